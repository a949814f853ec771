// The endpoints of a page of several: how long their requests take, and one of them to be selected.

import { useMemo } from "preact/hooks";
import { endpoints } from "../core/endpoints";
import { count, duration, share } from "../core/units";
import { Section, Table } from "./parts";
import { useStore } from "./store";

export function Endpoints() {
  const { model, view, show } = useStore();
  const { page } = model;
  const rows = useMemo(() => (page.requests ? endpoints(page.requests, view.trace) : []), [page, view.trace]);
  if (rows.length < 2) return null;
  const total = rows.reduce((sum, row) => sum + row.totalNs, 0);
  const cells = rows.map((row) => {
    const isChosen = view.endpoint === row.name;
    return [
      <button type="button" class="link" aria-pressed={isChosen} onClick={() => show({ endpoint: isChosen ? null : row.name })}>
        {page.strings[row.name] || "not known"}
      </button>,
      count(row.requests),
      duration(row.p50Ns),
      duration(row.p95Ns),
      duration(row.maxNs),
      share(row.totalNs, total),
    ];
  });
  const right = (title: string) => ({ title, right: true });
  const columns = [{ title: page.all_endpoints ? "endpoint" : "root" }, right("requests"), right("p50"), right("p95"), right("slowest"), right("share of time")];
  return (
    <Section id="endpoints" title={page.all_endpoints ? "Endpoints" : "Roots"} lead="Those with most time first. Click one to select its requests.">
      <Table label="Requests by endpoint" columns={columns} rows={cells} most={200} />
    </Section>
  );
}
