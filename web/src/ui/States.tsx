// What the time of fast, usual and slow requests is made of, and that of the selection.

import { BANDS, type Selection } from "../core/selection";
import { byState, type Sums } from "../core/sums";
import { count, counted, duration, share } from "../core/units";
import { useMemo } from "preact/hooks";
import { Details, Section, Swatch, Table } from "./parts";
import { useStore } from "./store";
import { stateColor } from "../view/theme";

interface BandRow {
  label: string;
  requests: number;
  totalNs: number;
  states: Float64Array;
  selection: Selection | null;
}

export function States() {
  const { model, view, chosen, show } = useStore();
  const { page } = model;
  const n = page.states.length;
  const rows = useMemo(() => {
    if (!chosen || !model.pieces) return [];
    const pieces = model.pieces;
    const row = (label: string, sums: Sums, selection: Selection | null): BandRow => ({
      label,
      requests: sums.requests,
      totalNs: sums.totalNs,
      states: byState(n, pieces, sums.byRow),
      selection,
    });
    const bands = BANDS.map(({ label, name }, band) => row(label, chosen.bands[band], { kind: "band", band: name }));
    return [...bands, row("all", chosen.all, { kind: "all" }), ...(chosen.isPart ? [row("selection", chosen.selected, null)] : [])];
  }, [chosen, model]);
  if (!chosen || !model.hasRequests) return <GoroutineStates />;
  const order = orderOf(rows);
  const isPressed = (selection: Selection | null) =>
    selection !== null && selection.kind === view.selection.kind && (selection.kind !== "band" || (view.selection.kind === "band" && view.selection.band === selection.band));
  return (
    <Section id="states" title="States" lead="What a mean request of each band spends its time on. Click a band to select its requests.">
      <div class="bands">
        {rows.map((row) => (
          <button type="button" class="bandrow" aria-pressed={isPressed(row.selection)} disabled={row.selection === null} onClick={() => row.selection && show({ selection: row.selection })}>
            <span class="bandname">
              <b>{row.label}</b> <span class="muted">{counted(row.requests, "request")}</span>
            </span>
            <Bar states={order.map((state) => ({ name: page.states[state].name, color: stateColor(state), ns: row.states[state] }))} totalNs={row.totalNs} />
            <span class="bandmean">{row.requests > 0 ? duration(row.totalNs / row.requests) : "–"}</span>
          </button>
        ))}
      </div>
      <ul class="legend">
        {order.map((state) => (
          <li>
            <Swatch color={stateColor(state)} /> {page.states[state].name}
          </li>
        ))}
      </ul>
      <Details title="Table of states by band">{() => <BandTable rows={rows} order={order} />}</Details>
    </Section>
  );
}

/** States with time, those with most of all first. */
function orderOf(rows: BandRow[]): number[] {
  const all = rows.find((row) => row.label === "all")?.states ?? new Float64Array();
  const order = [...all.keys()].filter((state) => rows.some((row) => row.states[state] > 0));
  return order.sort((a, b) => all[b] - all[a] || a - b);
}

function Bar({ states, totalNs }: { states: { name: string; color: string; ns: number }[]; totalNs: number }) {
  const shown = states.filter((state) => state.ns > 0 && totalNs > 0);
  return (
    <span class="bar">
      {shown.map((state) => (
        <span style={{ width: `${(state.ns / totalNs) * 100}%`, background: state.color }} title={`${state.name} ${share(state.ns, totalNs)}`} />
      ))}
      <span class="sr">{shown.map((state) => `${state.name} ${share(state.ns, totalNs)}`).join(", ")}</span>
    </span>
  );
}

function BandTable({ rows, order }: { rows: BandRow[]; order: number[] }) {
  const { page } = useStore().model;
  const columns = [{ title: "state" }, ...rows.map((row) => ({ title: row.label, right: true }))];
  const cell = (row: BandRow, state: number) =>
    row.states[state] > 0 ? `${duration(row.states[state] / row.requests)} · ${share(row.states[state], row.totalNs)}` : "–";
  const table = order.map((state) => [page.states[state].name, ...rows.map((row) => cell(row, state))]);
  table.push(["total", ...rows.map((row) => (row.requests > 0 ? duration(row.totalNs / row.requests) : "–"))]);
  table.push(["requests", ...rows.map((row) => count(row.requests))]);
  return <Table label="Time of a mean request by state and band" columns={columns} rows={table} />;
}

/** Without requests: the time of goroutines. */
function GoroutineStates() {
  const { page } = useStore().model;
  const sums = new Float64Array(page.states.length);
  page.samples.state.forEach((state, i) => (sums[state] += page.samples.goroutine_ns[i]));
  const total = sums.reduce((all, ns) => all + ns, 0);
  const order = [...sums.keys()].filter((state) => sums[state] > 0).sort((a, b) => sums[b] - sums[a]);
  const states = order.map((state) => ({ name: page.states[state].name, color: stateColor(state), ns: sums[state] }));
  const rows = states.map((state) => [
    <>
      <Swatch color={state.color} /> {state.name}
    </>,
    duration(state.ns),
    share(state.ns, total),
  ]);
  return (
    <Section id="states" title="States" lead="The time of all goroutines of the slice.">
      <Bar states={states} totalNs={total} />
      <Table label="Goroutine time by state" columns={[{ title: "state" }, { title: "time", right: true }, { title: "share", right: true }]} rows={rows} />
    </Section>
  );
}
