// The goroutines of one request over its time: states, the critical path, and where it goes from one to the other.

import { useCallback, useEffect, useState } from "preact/hooks";
import { css, mix, parseRgb } from "../core/change";
import { pieceAt, runsOf, type HandOver, type Link, type Row } from "../core/lanes";
import { ticks } from "../core/scale";
import { duration } from "../core/units";
import type { Exemplar } from "../data/page";
import { Canvas } from "./Canvas";
import { themeColor } from "./theme";

export const ROW = 26;
/** Height of the line of times above the rows. */
export const AXIS = 24;
const BAR = 12;
/** From so many arrows on, they are pale and without heads: how dark they are says how many there are. */
export const MAX_ARROWS = 150;

export interface Window {
  fromNs: number;
  toNs: number;
}

/** What is under the pointer. */
export interface Hit {
  row: number;
  ns: number;
}

interface Props {
  exemplar: Exemplar;
  rows: Row[];
  /** Arrows. */
  overs: HandOver[];
  /** Lines without a head. */
  links: Link[];
  colors: string[];
  window: Window;
  /** Times in which the collector marked or the world was stopped, from the request's start on. */
  spans: { color: string; alpha: number; list: [number, number][] }[];
  onWindow: (window: Window | null) => void;
  onHit: (hit: Hit | null) => void;
  label: string;
}

export function LaneCanvas({ exemplar, rows, overs, links, colors, window: shown, spans, onWindow, onHit, label }: Props) {
  const [width, setWidth] = useState(0);
  const [drag, setDrag] = useState<[number, number] | null>(null);
  const rowOf = (lane: number) => rows.findIndex((row) => row.lanes.includes(lane));
  const draw = useCallback(
    (context: CanvasRenderingContext2D, all: number, height: number) => {
      const x = (ns: number) => ((ns - shown.fromNs) / (shown.toNs - shown.fromNs)) * all;
      context.font = "12px system-ui, sans-serif";
      drawAxis(context, shown, all, height);
      for (const { color, alpha, list } of spans) {
        context.fillStyle = themeColor(color);
        context.globalAlpha = alpha;
        for (const [from, to] of list) context.fillRect(x(from), AXIS, Math.max(1, x(to) - x(from)), height - AXIS);
      }
      context.globalAlpha = 1;
      rows.forEach((row, i) => drawRow(context, exemplar, row, AXIS + i * ROW, colors, { ...shown, pixels: all }));
      drawPath(context, exemplar, rowOf, x, all);
      drawLinks(context, overs, links, rowOf, x, all);
      if (drag) {
        context.fillStyle = themeColor("--accent");
        context.globalAlpha = 0.2;
        context.fillRect(Math.min(...drag), 0, Math.abs(drag[1] - drag[0]), height);
        context.globalAlpha = 1;
      }
    },
    [exemplar, rows, colors, shown, spans, drag],
  );
  const xOf = (event: PointerEvent) => event.clientX - (event.currentTarget as HTMLElement).getBoundingClientRect().left;
  const timeAt = (x: number) => shown.fromNs + (Math.min(Math.max(x, 0), width) / Math.max(1, width)) * (shown.toNs - shown.fromNs);
  const move = (event: PointerEvent) => {
    const x = xOf(event);
    if (drag) setDrag([drag[0], x]);
    const y = event.clientY - (event.currentTarget as HTMLElement).getBoundingClientRect().top;
    onHit({ row: Math.floor((y - AXIS) / ROW), ns: timeAt(x) });
  };
  const up = () => {
    if (drag && Math.abs(drag[1] - drag[0]) > 4) {
      const [from, to] = drag.map(timeAt).sort((a, b) => a - b);
      onWindow({ fromNs: from, toNs: Math.max(to, from + 10) });
    }
    setDrag(null);
  };
  useEffect(() => setDrag(null), [exemplar]);
  return (
    <Canvas
      height={AXIS + rows.length * ROW + 4}
      draw={draw}
      label={label}
      onWidth={setWidth}
      onPointerDown={(event: PointerEvent) => {
        (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
        setDrag([xOf(event), xOf(event)]);
      }}
      onPointerMove={move}
      onPointerUp={up}
      onPointerLeave={() => !drag && onHit(null)}
      onDblClick={() => onWindow(null)}
    />
  );
}

function drawAxis(context: CanvasRenderingContext2D, { fromNs, toNs }: Window, width: number, height: number): void {
  context.textBaseline = "middle";
  for (const ns of ticks(fromNs, toNs, Math.max(2, Math.floor(width / 110)))) {
    const x = ((ns - fromNs) / (toNs - fromNs)) * width;
    context.fillStyle = themeColor("--line");
    context.fillRect(x, AXIS - 4, 1, height - AXIS + 4);
    context.fillStyle = themeColor("--muted");
    const text = duration(ns);
    const size = context.measureText(text).width;
    context.fillText(text, Math.min(Math.max(0, x - size / 2), width - size), AXIS / 2 - 2);
  }
}

/** The states of a row's goroutine. Of a folded row, those of all of them on thin lines. */
function drawRow(context: CanvasRenderingContext2D, exemplar: Exemplar, row: Row, top: number, colors: string[], view: Window & { pixels: number }): void {
  const paper = parseRgb(themeColor("--paper"));
  // Lines thinner than a pixel mix: what most of the goroutines do is what is seen.
  const height = BAR / row.lanes.length;
  row.lanes.forEach((lane, i) => {
    const { start_ns, dur_ns, state } = exemplar.lanes[lane];
    for (const run of runsOf(start_ns, dur_ns, state, view)) {
      const isOnPath = exemplar.lanes[lane].path_ns > 0;
      context.fillStyle = isOnPath ? colors[run.state] : css(mix(paper, parseRgb(colors[run.state]), 0.75));
      context.fillRect(run.x, top + 5 + i * height, Math.max(0.5, run.width), height);
    }
  });
}

/** The critical path below the states. */
function drawPath(context: CanvasRenderingContext2D, exemplar: Exemplar, rowOf: (lane: number) => number, x: (ns: number) => number, width: number): void {
  const { path } = exemplar;
  context.fillStyle = themeColor("--text");
  let run: { row: number; from: number; to: number } | null = null;
  const flush = () => run && context.fillRect(run.from, AXIS + run.row * ROW + BAR + 6, Math.max(1, run.to - run.from), 3);
  const first = Math.max(0, pieceAt(path.start_ns, 0));
  for (let i = first; i < path.lane.length; i++) {
    if (path.lane[i] < 0) continue;
    const [from, to] = [Math.max(-2, x(path.start_ns[i])), Math.min(width + 2, x(path.start_ns[i] + path.dur_ns[i]))];
    if (to < 0 || from > width) continue;
    const row = rowOf(path.lane[i]);
    if (row < 0) continue;
    if (run && run.row === row && from - run.to < 1) run.to = Math.max(run.to, to);
    else {
      flush();
      run = { row, from, to };
    }
  }
  flush();
}

/** Arrows from who ended a wait to who waited, and lines where the path goes to another goroutine without that. */
function drawLinks(context: CanvasRenderingContext2D, overs: HandOver[], links: Link[], rowOf: (lane: number) => number, x: (ns: number) => number, width: number): void {
  const inSight = ({ ns }: Link) => x(ns) >= 0 && x(ns) <= width;
  const [arrows, lines] = [overs.filter(inSight), links.filter(inSight)];
  const isDense = arrows.length + lines.length > MAX_ARROWS;
  context.fillStyle = context.strokeStyle = themeColor("--text");
  context.lineWidth = 1.25;
  if (isDense) context.globalAlpha = Math.max(0.12, MAX_ARROWS / (arrows.length + lines.length) / 2);
  for (const { ns, from, to } of lines) link(context, x(ns), rowOf(from), rowOf(to), false);
  for (const { ns, from, to } of arrows) link(context, x(ns), rowOf(from), rowOf(to), !isDense);
  context.globalAlpha = 1;
}

/** A line from row to row, with a head where a wait ends. */
function link(context: CanvasRenderingContext2D, x: number, from: number, to: number, hasHead: boolean): void {
  if (from < 0 || to < 0 || from === to) return;
  const middle = (row: number) => AXIS + row * ROW + BAR + 7.5;
  const [start, end] = [middle(from), middle(to)];
  const down = end > start ? 1 : -1;
  context.beginPath();
  context.moveTo(x, start);
  context.lineTo(x, end);
  context.stroke();
  if (!hasHead) return;
  context.beginPath();
  context.moveTo(x, end);
  context.lineTo(x - 3.5, end - down * 7);
  context.lineTo(x + 3.5, end - down * 7);
  context.fill();
}
