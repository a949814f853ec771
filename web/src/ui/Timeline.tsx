// One request: what its time went to, and its goroutines where they were kept.

import { useEffect, useMemo, useState } from "preact/hooks";
import { handOvers, otherLinks, pieceAt, rowsOf, type HandOver, type Row } from "../core/lanes";
import { counted, duration, share } from "../core/units";
import type { Exemplar, LaneRow, ProfilePage, SpanColumns } from "../data/page";
import { LaneCanvas, MAX_ARROWS, type Hit, type Window } from "../view/LaneCanvas";
import { Command, Details, Section, Swatch, Table } from "./parts";
import { useStore } from "./store";
import { stateColor, useStateColors } from "../view/theme";

export function Timeline() {
  const { model, picked, exemplars: order, chosen, show } = useStore();
  if (!chosen || chosen.mask.length === 0) return null;
  if (picked === null) return <Section id="timeline" title="One request" lead="No request is selected."><></></Section>;
  const exemplar = model.exemplar(picked);
  const go = (by: number) => {
    const at = order.indexOf(picked);
    show({ picked: order[at < 0 ? 0 : (at + by + order.length) % order.length] });
  };
  const lead = exemplar
    ? "Goroutines under the go statements that made them. The line below the states is the critical path: what the request waited for; an arrow goes from who ended a wait to who waited. Drag to zoom, double-click for all."
    : "Goroutines are kept of some requests only; of this one it is known what its time went to.";
  const isBeside = chosen.mask[picked] !== 1;
  const hasRuntime = Object.values(runtimeOf(model.page, picked)).some((list) => list.length > 0);
  return (
    <Section id="timeline" title="One request" lead={lead}>
      {isBeside && <p class="note">This request is not in the selection.</p>}
      <Facts request={picked} />
      {order.length > 1 && (
        <p class="steps">
          <button type="button" onClick={() => go(-1)}>← previous (p)</button> <button type="button" onClick={() => go(1)}>next (n) →</button>{" "}
          <span class="muted">{counted(order.length, "request")} {chosen.isPart && "of the selection "}with goroutines, the slowest first</span>
        </p>
      )}
      {!exemplar && order.length > 0 && (
        <p>
          <button type="button" onClick={() => show({ picked: order[0] })}>Show the slowest request that has them</button>
        </p>
      )}
      {exemplar && <Lanes key={picked} exemplar={exemplar} />}
      <Details title="Table of where its time went">{() => <PieceTable request={picked} />}</Details>
      {exemplar && exemplar.hand_overs.at_ns.length > 0 && <Details title="Table of hand-overs">{() => <HandOverTable exemplar={exemplar} />}</Details>}
      {exemplar && <Details title="Table of its critical path">{() => <PathTable exemplar={exemplar} />}</Details>}
      {exemplar && <Details title="Table of its goroutines">{() => <GoroutineTable exemplar={exemplar} />}</Details>}
      {exemplar && <Details title="Table of what they did">{() => <IntervalTable exemplar={exemplar} />}</Details>}
      {hasRuntime && <Details title="Table of the collector and stopped worlds">{() => <RuntimeTable request={picked} />}</Details>}
    </Section>
  );
}

function Facts({ request }: { request: number }) {
  const { model } = useStore();
  const { page, pieces, stacks, rows } = model;
  const requests = page.requests!;
  const [goid, dur, start] = [requests.goid[request], requests.dur_ns[request], requests.start_ns[request]];
  const list = model.piecesOf(request);
  const states = new Map<number, number>();
  for (const { row, ns } of list) states.set(pieces!.state[row], (states.get(pieces!.state[row]) ?? 0) + ns);
  const order = [...states].sort((a, b) => b[1] - a[1]);
  const top = list.find(({ row }) => row < pieces!.samples && rows.stack[row] > 0);
  const command = model.commandFor(request);
  return (
    <>
      <p class="answer small">
        <b>{duration(dur)}</b> on goroutine {goid}, {duration(start)} after the start
        {page.traces.length > 1 && ` of ${page.traces[requests.trace[request]]?.name ?? ""}`}.{" "}
        {order.slice(0, 4).map(([state, ns]) => (
          <>
            <span class="nowrap">
              <Swatch color={stateColor(state)} /> {page.states[state].name} {share(ns, dur)}
            </span>{" "}
          </>
        ))}
        {top && (
          <>
            Most in <code>{stacks.line(rows.stack[top.row])}</code> [{page.states[rows.state[top.row]].name}] {duration(top.ns)}.
          </>
        )}
      </p>
      {command && <Command text={command} />}
    </>
  );
}

function Lanes({ exemplar }: { exemplar: Exemplar }) {
  const { model, view, show } = useStore();
  const { page } = model;
  const requests = page.requests!;
  const total = Math.max(1, requests.dur_ns[exemplar.request]);
  const shown = windowOf(view.window, total);
  const open = useMemo(() => new Set(view.unfolded), [view.unfolded]);
  const [hit, setHit] = useState<Hit | null>(null);
  const rows = useMemo(() => rowsOf(exemplar, open), [exemplar, open]);
  const colors = useStateColors(page.states);
  const [overs, links] = useMemo(() => [handOvers(exemplar), otherLinks(exemplar)], [exemplar]);
  const spans = useMemo(() => {
    const { collector, stopped } = runtimeOf(page, exemplar.request);
    return [
      { color: "--gc", alpha: 0.16, list: collector },
      { color: "--stw", alpha: 0.5, list: stopped },
    ];
  }, [page, exemplar]);
  // What is set belongs to this request: from now on it is picked.
  const set = (change: Partial<typeof view>) => show({ picked: exemplar.request, window: view.window, unfolded: view.unfolded, ...change });
  const zoomTo = (to: Window | null) => set({ window: to && to.toNs - to.fromNs < total ? [Math.round(to.fromNs), Math.round(to.toNs)] : null });
  const toggle = (key: string) => set({ unfolded: open.has(key) ? view.unfolded.filter((other) => other !== key) : [...view.unfolded, key] });
  const keys = (event: KeyboardEvent) => {
    const next = moved(shown, total, event.key);
    if (!next) return;
    zoomTo(next);
    event.preventDefault();
    event.stopPropagation();
  };
  useEffect(() => setHit(null), [exemplar]);
  const goroutines = exemplar.lanes.length + exemplar.more_lanes;
  const isInSight = ({ ns }: { ns: number }) => ns >= shown.fromNs && ns <= shown.toNs;
  const inSight = overs.filter(isInSight);
  const rowOf = (lane: number) => rows.findIndex((row) => row.lanes.includes(lane));
  const hidden = inSight.filter(({ from, to }) => rowOf(from) < 0 || rowOf(from) === rowOf(to) || rowOf(to) < 0).length;
  const folded = rows.filter((row) => row.lanes.length > 1).reduce((sum, row) => sum + row.lanes.length, 0);
  return (
    <>
      <div class="lanes" role="group" tabIndex={0} onKeyDown={keys} aria-label="Timeline. w and s zoom in and out, a and d move, Esc shows all.">
        <ol class="lanenames">
          {rows.map((row) => (
            <li style={{ paddingLeft: `${Math.min(row.depth, 8) * 14}px` }} title={laneTitle(exemplar, row, page.strings)}>
              <LaneName exemplar={exemplar} row={row} strings={page.strings} isOpen={open.has(row.fold)} onToggle={() => toggle(row.fold)} />
            </li>
          ))}
        </ol>
        <div class="lanecanvas">
          <LaneCanvas
            exemplar={exemplar}
            rows={rows}
            overs={overs}
            links={links}
            colors={colors}
            window={shown}
            spans={spans}
            onWindow={zoomTo}
            onHit={setHit}
            label={`${counted(goroutines, "goroutine")} over ${duration(total)}, ${counted(overs.length, "hand-over")}. The tables below have it as text.`}
          />
        </div>
      </div>
      <p class="said" aria-live="polite">
        {hit ? <Said exemplar={exemplar} rows={rows} overs={overs} near={(shown.toNs - shown.fromNs) / 250} hit={hit} /> : <span class="muted">{duration(shown.fromNs)} – {duration(shown.toNs)} of {duration(total)}; point at a state to see it in words</span>}
      </p>
      {inSight.length + links.filter(isInSight).length > MAX_ARROWS && <p class="lead">{counted(inSight.length, "hand-over")} are drawn as a density: zoom in (w) until arrows part, or see the table.</p>}
      {hidden > 0 && <p class="lead">{counted(hidden, "hand-over")} without an arrow: both goroutines are on one folded row, or one is not shown. {folded > 0 && "Unfold (×) to see them. "}The table has all.</p>}
      {(exemplar.more_lanes > 0 || exemplar.more_pieces > 0) && (
        <p class="lead">
          Not shown: {[exemplar.more_lanes > 0 && counted(exemplar.more_lanes, "more goroutine"), exemplar.more_pieces > 0 && `${counted(exemplar.more_pieces, "piece")} at the end of the path`].filter(Boolean).join(", ")}.
        </p>
      )}
    </>
  );
}

/** What a view shows of a request that takes so long. */
function windowOf(window: [number, number] | null, total: number): Window {
  if (!window || window[0] >= total) return { fromNs: 0, toNs: total };
  return { fromNs: window[0], toNs: Math.min(window[1], total) };
}

/** When the collector marked and the world was stopped during a request, from its start on. */
function runtimeOf(page: ProfilePage, request: number): { collector: [number, number][]; stopped: [number, number][] } {
  const { trace, start_ns, dur_ns } = page.requests!;
  const during = (spans: SpanColumns) => inside(spans, trace[request], start_ns[request], Math.max(1, dur_ns[request]));
  return { collector: during(page.collector), stopped: during(page.stopped) };
}

/** Stretches inside of a request, from its start on. */
function inside(spans: SpanColumns, trace: number, start: number, total: number): [number, number][] {
  const list: [number, number][] = [];
  for (let i = 0; i < spans.start_ns.length; i++) {
    const [from, to] = [spans.start_ns[i] - start, spans.start_ns[i] + spans.dur_ns[i] - start];
    if (spans.trace[i] === trace && to > 0 && from < total) list.push([Math.max(0, from), Math.min(total, to)]);
  }
  return list;
}

function moved({ fromNs, toNs }: Window, total: number, key: string): Window | null {
  const size = toNs - fromNs;
  const [middle, by] = [fromNs + size / 2, size / 4];
  const clamped = (from: number, of: number): Window => {
    const length = Math.min(total, Math.max(10, of));
    const start = Math.min(Math.max(0, from), total - length);
    return { fromNs: start, toNs: start + length };
  };
  if (key === "w" || key === "ArrowUp") return clamped(middle - size / 4, size / 2);
  if (key === "s" || key === "ArrowDown") return clamped(middle - size, size * 2);
  if (key === "a" || key === "ArrowLeft") return clamped(fromNs - by, size);
  if (key === "d" || key === "ArrowRight") return clamped(fromNs + by, size);
  return key === "Escape" && size < total ? { fromNs: 0, toNs: total } : null;
}

const short = (name: string) => name.replace(/^.*\//, "");

/** The function of a goroutine: what a pooled one runs, else what it was started with. */
function laneFunction(lane: LaneRow, strings: string[]): string {
  return strings[lane.runs] || strings[lane.entry];
}

function laneTitle(exemplar: Exemplar, row: Row, strings: string[]): string {
  const lane = exemplar.lanes[row.lanes[0]];
  return `goroutine ${lane.goid}: ${laneFunction(lane, strings) || "not known"}`;
}

const KINDS: Record<string, string> = { sibling: "another request", outside: "outside", runtime: "runtime" };

function LaneName({ exemplar, row, strings, isOpen, onToggle }: { exemplar: Exemplar; row: Row; strings: string[]; isOpen: boolean; onToggle: () => void }) {
  const lane = exemplar.lanes[row.lanes[0]];
  const name = short(laneFunction(lane, strings)) || "not known";
  const kind = KINDS[row.kind];
  return (
    <>
      {row.fold && (
        <button type="button" class="fold" aria-expanded={isOpen} onClick={onToggle}>
          {isOpen ? "−" : `×${row.lanes.length}`}
        </button>
      )}
      <span class={lane.path_ns > 0 ? "onpath" : ""}>{name}</span>
      <span class="muted"> {row.lanes.length === 1 ? lane.goid : ""}{kind ? ` ${kind}` : ""}</span>
    </>
  );
}

/** The hand-over nearest to a time, if one is that near. */
function nearest(overs: HandOver[], ns: number, near: number): HandOver | null {
  const distance = (over: HandOver) => Math.abs(over.ns - ns);
  return overs.reduce<HandOver | null>((best, over) => (distance(over) <= (best ? distance(best) : near) ? over : best), null);
}

/** What is under the pointer, in words. */
function Said({ exemplar, rows, overs, near, hit }: { exemplar: Exemplar; rows: Row[]; overs: HandOver[]; near: number; hit: Hit }) {
  const { page, stacks } = useStore().model;
  const over = nearest(overs, hit.ns, near);
  if (over) return <OverSaid exemplar={exemplar} over={over} />;
  const row = rows[hit.row];
  if (!row) return <span class="muted">{duration(hit.ns)}</span>;
  const lane = exemplar.lanes[row.lanes[0]];
  const at = pieceAt(lane.start_ns, hit.ns);
  const piece = pieceAt(exemplar.path.start_ns, hit.ns);
  const isOnPath = piece >= 0 && exemplar.path.lane[piece] === row.lanes[0] && hit.ns < exemplar.path.start_ns[piece] + exemplar.path.dur_ns[piece];
  const isThere = at >= 0 && hit.ns < lane.start_ns[at] + lane.dur_ns[at];
  const who = row.lanes.length > 1 ? `${row.lanes.length} goroutines` : `goroutine ${lane.goid}`;
  const where = isOnPath ? stacks.line(exemplar.path.stack[piece], 6) : isThere ? stacks.line(lane.stack[at], 6) : "";
  return (
    <>
      {duration(hit.ns)} · {who} {short(laneFunction(lane, page.strings))}
      {isThere && (
        <>
          {" "}
          · <Swatch color={stateColor(lane.state[at])} /> {page.states[lane.state[at]].name} {duration(lane.dur_ns[at])} (from {duration(lane.start_ns[at])})
        </>
      )}
      {isOnPath && " · critical path"}
      {where && <>: <code>{where}</code></>}
    </>
  );
}

/** A goroutine by its id and its function. */
function goroutine(exemplar: Exemplar, lane: number, goid: number, strings: string[]): string {
  return lane < 0 ? String(goid) : `${goid} ${short(laneFunction(exemplar.lanes[lane], strings))}`;
}

function OverSaid({ exemplar, over }: { exemplar: Exemplar; over: HandOver }) {
  const { page, stacks } = useStore().model;
  const [from, to] = [goroutine(exemplar, over.from, over.fromGoid, page.strings), goroutine(exemplar, over.to, over.toGoid, page.strings)];
  if (over.state < 0) return <>{duration(over.ns)} · goroutine {from} creates goroutine {to}</>;
  const waiting = stacks.line(over.stack, 6);
  return (
    <>
      {duration(over.ns)} · goroutine {from} ends the wait of goroutine {to} · <Swatch color={stateColor(over.state)} /> {page.states[over.state].name}
      {waiting && <> in <code>{waiting}</code></>}
    </>
  );
}

function HandOverTable({ exemplar }: { exemplar: Exemplar }) {
  const { page, stacks } = useStore().model;
  const rows = handOvers(exemplar).map((over) => [
    duration(over.ns),
    goroutine(exemplar, over.from, over.fromGoid, page.strings),
    goroutine(exemplar, over.to, over.toGoid, page.strings),
    over.state < 0 ? "created" : page.states[over.state].name,
    stacks.line(over.stack, 6),
  ]);
  return <Table label="Hand-overs of this request" columns={[{ title: "at", right: true }, { title: "goroutine" }, { title: "ended the wait of" }, { title: "reason" }, { title: "waiting in" }]} rows={rows} most={300} />;
}

function GoroutineTable({ exemplar }: { exemplar: Exemplar }) {
  const { page } = useStore().model;
  const { lanes } = exemplar;
  const byState = (lane: LaneRow) => {
    const sums = new Map<number, number>();
    lane.state.forEach((state, i) => sums.set(state, (sums.get(state) ?? 0) + lane.dur_ns[i]));
    return [...sums].sort((a, b) => b[1] - a[1]).map(([state, ns]) => `${page.states[state].name} ${duration(ns)}`).join(", ");
  };
  const rows = lanes.map((lane) => [
    String(lane.goid),
    laneFunction(lane, page.strings) || "not known",
    KINDS[lane.kind] ?? "this request",
    lane.parent === null || !lanes[lane.parent] ? "" : String(lanes[lane.parent].goid),
    lane.path_ns > 0 ? duration(lane.path_ns) : "–",
    byState(lane),
  ]);
  const columns = [{ title: "goroutine", right: true }, { title: "function" }, { title: "of" }, { title: "created by", right: true }, { title: "on the path", right: true }, { title: "its time" }];
  return <Table label="Goroutines of this request" columns={columns} rows={rows} />;
}

function IntervalTable({ exemplar }: { exemplar: Exemplar }) {
  const { page, stacks } = useStore().model;
  const all = exemplar.lanes.flatMap((lane) => lane.start_ns.map((start, i) => ({ lane, i, start }))).sort((a, b) => a.start - b.start);
  const rows = all.slice(0, 1000).map(({ lane, i, start }) => [duration(start), duration(lane.dur_ns[i]), String(lane.goid), page.states[lane.state[i]].name, stacks.line(lane.stack[i], 6)]);
  const columns = [{ title: "from", right: true }, { title: "for", right: true }, { title: "goroutine", right: true }, { title: "state" }, { title: "stack" }];
  return <Table label="States of all goroutines of this request" columns={columns} rows={rows} most={1000} total={all.length} />;
}

function RuntimeTable({ request }: { request: number }) {
  const { page } = useStore().model;
  const { collector, stopped } = runtimeOf(page, request);
  const row = (what: string) => ([from, to]: [number, number]) => ({ from, cells: [what, duration(from), duration(to - from)] });
  const rows = [...collector.map(row("collector marks")), ...stopped.map(row("world stopped"))].sort((a, b) => a.from - b.from);
  return <Table label="Collector and stopped world during this request" columns={[{ title: "what" }, { title: "from", right: true }, { title: "for", right: true }]} rows={rows.map(({ cells }) => cells)} most={500} />;
}

function PieceTable({ request }: { request: number }) {
  const { model } = useStore();
  const { page, pieces } = model;
  const dur = page.requests!.dur_ns[request];
  const list = model.piecesOf(request);
  const stack = (row: number) => (row < pieces!.samples ? model.stacks.line(model.rows.stack[row], 6) : "stacks not kept");
  const rows = list.map(({ row, ns }) => [duration(ns), share(ns, dur), page.states[pieces!.state[row]].name, stack(row)]);
  return (
    <Table
      label="Time of this request by stack"
      columns={[{ title: "time", right: true }, { title: "share", right: true }, { title: "state" }, { title: "stack" }]}
      rows={rows}
    />
  );
}

function PathTable({ exemplar }: { exemplar: Exemplar }) {
  const { page, stacks } = useStore().model;
  const { path } = exemplar;
  const rows = path.start_ns.map((start, i) => [
    duration(start),
    duration(path.dur_ns[i]),
    String(path.goid[i]),
    page.states[path.state[i]].name,
    stacks.line(path.stack[i], 6),
  ]);
  return (
    <Table
      label="Critical path of this request"
      columns={[{ title: "from", right: true }, { title: "for", right: true }, { title: "goroutine", right: true }, { title: "state" }, { title: "stack" }]}
      rows={rows}
      most={1000}
    />
  );
}
