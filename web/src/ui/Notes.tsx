// Who ended the waits, what stands out, what to know, and how this was recorded and asked.

import type { ProfilePage, WarningRow } from "../data/page";
import { count, counted, duration } from "../core/units";
import { Command, Section, Swatch, Table } from "./parts";
import { useStore } from "./store";
import { stateColor } from "../view/theme";

export function Wakers() {
  const { model } = useStore();
  const { page, stacks } = model;
  if (page.wakeups.length === 0) return null;
  const color = (name: string) => stateColor(page.states.findIndex((state) => state.name === name));
  const rows = page.wakeups.map((w) => [
    duration(w.wait_ns),
    count(w.count),
    duration(w.max_ns),
    <>
      <Swatch color={color(w.state)} /> {w.state}
      {w.detail && ` (${w.detail})`}
    </>,
    stacks.line(w.waiting),
    <>
      <b>{w.who}</b> {stacks.line(w.waker) || page.strings[w.waker_entry]}
    </>,
  ]);
  const columns = [
    { title: "time", right: true },
    { title: "waits", right: true },
    { title: "longest", right: true },
    { title: "waiting" },
    { title: "in" },
    { title: "ended by" },
  ];
  return (
    <Section id="wakers" title="Who ended the waits" lead="Waits on the critical paths of all requests, and who made them go on.">
      <Table label="Waits by who ended them" columns={columns} rows={rows} most={30} />
    </Section>
  );
}

export function Findings() {
  const { page } = useStore().model;
  if (page.findings.length === 0) return null;
  return (
    <Section id="findings" title="What stands out">
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

export function Recorded({ page }: { page: ProfilePage }) {
  return (
    <Section id="recorded" title="Read and selected">
      <dl class="facts">
        {page.facts.map(([label, text]) => (
          <div>
            <dt>{label}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      {page.command && (
        <>
          <p class="lead">To make this page again:</p>
          <Command text={page.command} />
        </>
      )}
    </Section>
  );
}
