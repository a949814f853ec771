// Requests over time, with a histogram beside them, and a brush over both.

import { useState } from "preact/hooks";
import { CUT_END, CUT_START, type SpanColumns } from "../data/page";
import { durationRange } from "../core/ranges";
import type { Selection } from "../core/selection";
import { count, counted, duration, parseDuration } from "../core/units";
import { HistogramTable } from "./Histogram";
import { Choice, Details, Section, Swatch, Table } from "./parts";
import { Scatter } from "./Scatter";
import { useStore } from "./store";
import { stateColor } from "../view/theme";

export function Requests() {
  const { model, view, chosen, show } = useStore();
  const { page } = model;
  if (!page.requests || !chosen) return null;
  const names = shortNames(page.traces.map((trace) => trace.name));
  const traces: [string, string][] = names.map((name, i) => [String(i), name]);
  return (
    <Section
      id="requests"
      title="Requests over time"
      lead="A dot is a request: when it started, how long it took, and the state that took most of it. Drag over dots or over the histogram to select requests; click a dot to see where its time went."
    >
      {page.traces.length > 1 && (
        <Choice
          label="Trace"
          value={view.trace === null ? "all" : String(view.trace)}
          options={[["all", "all traces"], ...traces]}
          onChange={(value) => show({ trace: value === "all" ? null : Number(value) })}
        />
      )}
      <Scatter />
      <Legend />
      <BrushFields selection={view.selection} onChange={(selection) => show({ selection })} />
      <Details title="Table of these requests">{() => <RequestTable />}</Details>
      <Details title="Table of the histogram">{() => <HistogramTable />}</Details>
      {page.collector.start_ns.length + page.stopped.start_ns.length > 0 && <Details title="Table of the collector and stopped worlds">{() => <RuntimeTable />}</Details>}
    </Section>
  );
}

/** Names of files without their folders; with as many of these as tell them apart. */
function shortNames(paths: string[]): string[] {
  const parts = paths.map((path) => path.split(/[/\\]/));
  const deepest = Math.max(...parts.map((list) => list.length));
  for (let n = 1; n < deepest; n++) {
    const names = parts.map((list) => list.slice(-n).join("/"));
    if (new Set(names).size === new Set(paths).size) return names;
  }
  return paths;
}

function Legend() {
  const { model } = useStore();
  const { page, dominant } = model;
  const counts = new Map<number, number>();
  for (const state of dominant) counts.set(state, (counts.get(state) ?? 0) + 1);
  const [least, most] = durationRange(page);
  const isBeyond = page.undecided.dur_ns.some((ns) => ns < least || ns > most);
  const states = [...counts].filter(([state]) => state >= 0).sort((a, b) => b[1] - a[1]);
  return (
    <ul class="legend">
      {states.map(([state, n]) => (
        <li>
          <Swatch color={stateColor(state)} /> mostly {page.states[state].name} <span class="muted">{count(n)}</span>
        </li>
      ))}
      {page.cut && page.cut.goid.length > 0 && (
        <li>
          <span class="ring" aria-hidden="true" /> cut by an edge <span class="muted">{count(page.cut.goid.length)}</span>
        </li>
      )}
      {page.undecided.goid.length > 0 && (
        <li>
          <span class="ring" aria-hidden="true" /> undecided{isBeyond && " (some beyond the scale, drawn at its edge)"}{" "}
          <span class="muted">{count(page.undecided.goid.length)}</span>
        </li>
      )}
      {page.collector.start_ns.length > 0 && (
        <li>
          <span class="band gc" aria-hidden="true" /> collector marks
        </li>
      )}
      {page.stopped.start_ns.length > 0 && (
        <li>
          <span class="band stw" aria-hidden="true" /> world stopped
        </li>
      )}
    </ul>
  );
}

/** The brush in numbers, for the keyboard and for exact edges. */
function BrushFields({ selection, onChange }: { selection: Selection; onChange: (selection: Selection) => void }) {
  const [error, setError] = useState("");
  const brush = selection.kind === "brush" ? selection : null;
  const text = (ns?: number) => (ns === undefined ? "" : `${Number((ns / 1e6).toPrecision(6))} ms`);
  const apply = (event: SubmitEvent) => {
    event.preventDefault();
    const values = new FormData(event.currentTarget as HTMLFormElement);
    const edges = ["fromNs", "toNs", "minNs", "maxNs"].map((name) => [name, String(values.get(name)).trim()] as const);
    const wrong = edges.find(([, value]) => value !== "" && parseDuration(value) === null);
    if (wrong) return setError(`“${wrong[1]}” is no duration: 1.5 ms, 20 µs, 3 s`);
    setError("");
    const given = edges.filter(([, value]) => value !== "").map(([name, value]) => [name, parseDuration(value)!]);
    return onChange(given.length > 0 ? { kind: "brush", ...Object.fromEntries(given) } : { kind: "all" });
  };
  const field = (name: "fromNs" | "toNs" | "minNs" | "maxNs", label: string) => (
    <label>
      {label} <input name={name} size={9} autocomplete="off" defaultValue={text(brush?.[name])} placeholder="any" />
    </label>
  );
  return (
    <form class="fields" onSubmit={apply} key={JSON.stringify(brush)}>
      {field("minNs", "took from")}
      {field("maxNs", "to")}
      {field("fromNs", "started from")}
      {field("toNs", "to")}
      <button type="submit">Select</button>
      <span role="alert">{error}</span>
    </form>
  );
}

function RequestTable() {
  const { model, chosen, show } = useStore();
  const { page, dominant } = model;
  const requests = page.requests!;
  const list = [...requests.dur_ns.keys()].filter((i) => chosen!.mask[i] === 1);
  list.sort((a, b) => requests.dur_ns[b] - requests.dur_ns[a] || a - b);
  const many = page.traces.length > 1;
  const rows = list.slice(0, 200).map((i) => [
    <button type="button" class="link" onClick={() => show({ picked: i })}>
      {duration(requests.dur_ns[i])}
    </button>,
    duration(requests.start_ns[i]),
    String(requests.goid[i]),
    page.states[dominant[i]]?.name ?? "",
    ...(many ? [page.traces[requests.trace[i]]?.name ?? ""] : []),
  ]);
  const columns = [
    { title: "took", right: true },
    { title: "started at", right: true },
    { title: "goroutine", right: true },
    { title: "mostly" },
    ...(many ? [{ title: "trace" }] : []),
  ];
  return (
    <>
      <p class="lead">{counted(list.length, "request")} selected, the slowest first.</p>
      <Table label="Selected requests" columns={columns} rows={rows} most={200} total={list.length} />
      {page.cut && page.cut.goid.length > 0 && <CutTable />}
      {page.undecided.goid.length > 0 && <UndecidedTable />}
    </>
  );
}

function RuntimeTable() {
  const { model, view } = useStore();
  const { page } = model;
  const many = page.traces.length > 1;
  const rowsOf = (what: string, { trace, start_ns, dur_ns }: SpanColumns) =>
    start_ns.map((start, i) => ({ start, trace: trace[i], cells: [what, duration(start), duration(dur_ns[i]), ...(many ? [page.traces[trace[i]]?.name ?? ""] : [])] }));
  const rows = [...rowsOf("collector marks", page.collector), ...rowsOf("world stopped", page.stopped)].filter(({ trace }) => view.trace === null || trace === view.trace);
  rows.sort((a, b) => a.trace - b.trace || a.start - b.start);
  const columns = [{ title: "what" }, { title: "from", right: true }, { title: "for", right: true }, ...(many ? [{ title: "trace" }] : [])];
  return <Table label="Collector and stopped world" columns={columns} rows={rows.map(({ cells }) => cells)} most={500} />;
}

function CutTable() {
  const { page } = useStore().model;
  const cut = page.cut!;
  const how = (flags: number) => [flags & CUT_START ? "began before" : "", flags & CUT_END ? "not over at the end" : ""].filter(Boolean).join(", ");
  const rows = cut.goid.map((goid, i) => [`≥ ${duration(cut.dur_ns[i])}`, duration(cut.start_ns[i]), String(goid), how(cut.flags[i])]);
  const columns = [{ title: "seen for", right: true }, { title: "first seen at", right: true }, { title: "goroutine", right: true }, { title: "cut" }];
  return (
    <>
      <p class="lead">Cut by an edge, and not counted:</p>
      <Table label="Requests that are cut" columns={columns} rows={rows} most={100} />
    </>
  );
}

function UndecidedTable() {
  const { undecided } = useStore().model.page;
  const order = [...undecided.goid.keys()].sort((a, b) => undecided.dur_ns[b] - undecided.dur_ns[a] || a - b);
  const connection = (goid: number) => (goid < 0 ? "not known" : String(goid));
  const rows = order.slice(0, 100).map((i) => [
    duration(undecided.dur_ns[i]),
    duration(undecided.start_ns[i]),
    String(undecided.goid[i]),
    connection(undecided.connection[i]),
    undecided.likely[i] === 1 ? "likely" : "not known",
  ]);
  const columns = [{ title: "took", right: true }, { title: "started at", right: true }, { title: "goroutine", right: true }, { title: "connection", right: true }, { title: "of these roots" }];
  return (
    <>
      <p class="lead">{counted(order.length, "request")} undecided, the slowest first: nothing in the trace says whether they are of these roots.</p>
      <Table label="Undecided requests" columns={columns} rows={rows} total={order.length} />
    </>
  );
}
