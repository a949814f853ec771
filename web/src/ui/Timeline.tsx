// One request: what its time went to, and its goroutines where they were kept.

import { useEffect, useMemo, useState } from "preact/hooks";
import { handOvers, otherLinks, pieceAt, rowsOf, type HandOver, type Row } from "../core/lanes";
import { counted, duration, share } from "../core/units";
import type { Exemplar, LaneRow, SpanColumns } from "../data/page";
import { LaneCanvas, type Hit, type Window } from "../view/LaneCanvas";
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
      {exemplar && <Details title="Table of hand-overs">{() => <HandOverTable exemplar={exemplar} />}</Details>}
      {exemplar && <Details title="Table of its critical path">{() => <PathTable exemplar={exemplar} />}</Details>}
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
  const { model } = useStore();
  const { page } = model;
  const requests = page.requests!;
  const total = Math.max(1, requests.dur_ns[exemplar.request]);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [shown, setShown] = useState<Window>({ fromNs: 0, toNs: total });
  const [hit, setHit] = useState<Hit | null>(null);
  const rows = useMemo(() => rowsOf(exemplar, open), [exemplar, open]);
  const colors = useStateColors(page.states);
  const [overs, links] = useMemo(() => [handOvers(exemplar), otherLinks(exemplar)], [exemplar]);
  const spans = useMemo(() => {
    const start = requests.start_ns[exemplar.request];
    const trace = requests.trace[exemplar.request];
    return [
      { color: "--gc", alpha: 0.16, list: inside(page.collector, trace, start, total) },
      { color: "--stw", alpha: 0.5, list: inside(page.stopped, trace, start, total) },
    ];
  }, [page, exemplar]);
  const toggle = (key: string) => {
    const next = new Set(open);
    if (!next.delete(key)) next.add(key);
    setOpen(next);
  };
  const keys = (event: KeyboardEvent) => {
    const next = moved(shown, total, event.key);
    if (!next) return;
    setShown(next);
    event.preventDefault();
    event.stopPropagation();
  };
  useEffect(() => setHit(null), [exemplar]);
  const goroutines = exemplar.lanes.length + exemplar.more_lanes;
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
            onWindow={(window) => setShown(window ?? { fromNs: 0, toNs: total })}
            onHit={setHit}
            label={`${counted(goroutines, "goroutine")} over ${duration(total)}, ${counted(overs.length, "hand-over")}. The tables below have it as text.`}
          />
        </div>
      </div>
      <p class="said" aria-live="polite">
        {hit ? <Said exemplar={exemplar} rows={rows} overs={overs} near={(shown.toNs - shown.fromNs) / 250} hit={hit} /> : <span class="muted">{duration(shown.fromNs)} – {duration(shown.toNs)} of {duration(total)}; point at a state to see it in words</span>}
      </p>
      {(exemplar.more_lanes > 0 || exemplar.more_pieces > 0) && (
        <p class="lead">
          Not shown: {[exemplar.more_lanes > 0 && counted(exemplar.more_lanes, "more goroutine"), exemplar.more_pieces > 0 && `${counted(exemplar.more_pieces, "piece")} at the end of the path`].filter(Boolean).join(", ")}.
        </p>
      )}
    </>
  );
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
