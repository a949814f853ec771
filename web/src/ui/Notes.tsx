// Who ended the waits, what stands out, what to know, and how this was recorded and asked.

import { useMemo } from "preact/hooks";
import { waitsOf, type WaitSum } from "../core/waits";
import type { ProfilePage, WarningRow } from "../data/page";
import { count, counted, duration } from "../core/units";
import { Command, Section, Swatch, Table } from "./parts";
import { useStore } from "./store";
import { stateColor } from "../view/theme";

export function Wakers() {
  const { model, chosen } = useStore();
  const { page } = model;
  const [selected, rest] = useMemo(() => (chosen?.isPart ? [model.waitsOf(chosen.mask), waitsOf(page, chosen.mask, 0)] : [null, null]), [page, chosen]);
  if (page.wakeups.length === 0 || !chosen) return null;
  if (!chosen.isPart) return <WakerTable lead="Waits on the critical paths of all requests, and who made them go on." sums={allWaits(page)} />;
  if (!selected || !rest) return <WakerTable lead="Waits on the critical paths of all requests, and who made them go on. Who ended the waits of the selection alone this page does not have: that would be too much." sums={allWaits(page)} />;
  const all = chosen.selected.requests;
  const lead = `Waits on the critical paths of the selection, and who made them go on; beside them what the same waits are in a mean request of the rest. ${selected.length === 0 ? "The selection has none." : ""}`;
  return <WakerTable lead={lead} sums={selected} rest={{ byWakeup: new Map(rest.map((sum) => [sum.wakeup, sum.ns])), requests: chosen.rest.requests, selected: all }} />;
}

function allWaits(page: ProfilePage): WaitSum[] {
  return page.wakeups.map((w, i) => ({ wakeup: i, waits: w.count, ns: w.wait_ns, maxNs: w.max_ns }));
}

interface Rest {
  /** Time of the rest by wake-up. */
  byWakeup: Map<number, number>;
  /** How many requests are the rest, and how many are selected. */
  requests: number;
  selected: number;
}

function WakerTable({ lead, sums, rest }: { lead: string; sums: WaitSum[]; rest?: Rest }) {
  const { page, stacks } = useStore().model;
  const color = (name: string) => stateColor(page.states.findIndex((state) => state.name === name));
  const rows = sums.slice(0, 30).map((sum) => {
    const w = page.wakeups[sum.wakeup];
    const beside = rest && [duration(sum.ns / rest.selected), duration((rest.byWakeup.get(sum.wakeup) ?? 0) / Math.max(1, rest.requests))];
    return [
      duration(sum.ns),
      ...(beside ?? []),
      count(sum.waits),
      duration(sum.maxNs),
      <>
        <span class="nowrap">
          <Swatch color={color(w.state)} /> {w.state}
        </span>
        {w.detail && ` (${w.detail})`}
      </>,
      stacks.line(w.waiting),
      <>
        <b class="nowrap">{w.who}</b> {stacks.line(w.waker) || page.strings[w.waker_entry]}
      </>,
    ];
  });
  const right = (title: string) => ({ title, right: true });
  const columns = [
    right("time"),
    ...(rest ? [right("a request"), right("of the rest")] : []),
    right("waits"),
    right("longest"),
    { title: "waiting" },
    { title: "in" },
    { title: "ended by" },
  ];
  return (
    <Section id="wakers" title="Who ended the waits" lead={lead}>
      <Table label="Waits by who ended them" columns={columns} rows={rows} most={30} total={sums.length} />
    </Section>
  );
}

export function Findings() {
  const { model, chosen } = useStore();
  const { page } = model;
  if (page.findings.length === 0) return null;
  return (
    <Section id="findings" title="What stands out" lead={chosen?.isPart ? "In all requests, whatever is selected." : undefined}>
      <ul class="findings">
        {page.findings.map((finding) => (
          <li class={finding.important ? "important" : ""}>{finding.text}</li>
        ))}
      </ul>
    </Section>
  );
}

export function Warnings({ warnings }: { warnings: WarningRow[] }) {
  if (warnings.length === 0) return null;
  return (
    <Section id="warnings" title="Warnings" lead={`${counted(warnings.length, "warning")}; what was lost is not in any number above.`}>
      <ul class="findings">
        {warnings.slice(0, 50).map((warning) => (
          <li class={warning.data_lost ? "important" : ""}>
            {warning.message} <span class="muted">{warning.id}</span>
          </li>
        ))}
      </ul>
      {warnings.length > 50 && <p class="more">… {count(warnings.length - 50)} more</p>}
    </Section>
  );
}

export function Recorded({ facts, command }: { facts: [string, string][]; command: string | null }) {
  return (
    <Section id="recorded" title="Read and selected">
      <dl class="facts">
        {facts.map(([label, text]) => (
          <div>
            <dt>{label}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      {command && (
        <>
          <p class="lead">To make this page again:</p>
          <Command text={command} />
        </>
      )}
    </Section>
  );
}
