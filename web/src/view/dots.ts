// Requests as dots, or as a density grid where they are too many.

import { PARTIAL, type RequestColumns } from "../data/page";
import type { Place } from "../core/scale";
import { themeColor } from "./theme";

/** From so many dots on a grid is drawn. */
export const MAX_DOTS = 20_000;
/** Width of a cell of the grid, in CSS pixels. */
const CELL = 4;

export interface DotStyle {
  /** Colour of each state. */
  colors: string[];
  /** State of each request. */
  state: Int16Array;
  /** 1 selected, 0 rest, 2 not shown. */
  mask: Uint8Array;
  /** Whether the rest is faded. */
  isPart: boolean;
}

/** Draws requests that count. */
export function drawRequests(context: CanvasRenderingContext2D, requests: RequestColumns, place: Place, style: DotStyle): void {
  if (requests.dur_ns.length > MAX_DOTS) drawGrid(context, requests, place, style);
  else drawDots(context, requests, place, style);
}

function drawDots(context: CanvasRenderingContext2D, requests: RequestColumns, place: Place, style: DotStyle): void {
  const radius = requests.dur_ns.length > 3000 ? 1.8 : requests.dur_ns.length > 300 ? 2.6 : 3.6;
  const muted = themeColor("--muted");
  for (const wanted of [0, 1]) {
    context.globalAlpha = wanted === 0 && style.isPart ? 0.22 : 0.85;
    for (let i = 0; i < requests.dur_ns.length; i++) {
      if (style.mask[i] !== wanted) continue;
      // Of one that an edge cuts, only a part of the states is known.
      const color = requests.flags[i] & PARTIAL ? muted : (style.colors[style.state[i]] ?? muted);
      if (color !== context.fillStyle) context.fillStyle = color;
      dot(context, place.x(requests.start_ns[i]), place.y(requests.dur_ns[i]), radius);
    }
  }
  context.globalAlpha = 1;
}

function dot(context: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

/** Cells with the colour of the state that most of their requests have; the more requests, the fuller. Cells with a selected
 * request show those alone. */
function drawGrid(context: CanvasRenderingContext2D, requests: RequestColumns, place: Place, style: DotStyle): void {
  const columns = Math.max(1, Math.ceil(place.width / CELL));
  const rows = Math.max(1, Math.ceil(place.height / CELL));
  const states = style.colors.length + 1;
  const counts = [new Uint32Array(columns * rows * states), new Uint32Array(columns * rows * states)];
  for (let i = 0; i < requests.dur_ns.length; i++) {
    const of = style.mask[i];
    if (of > 1) continue;
    const column = Math.floor((place.x(requests.start_ns[i]) - place.left) / CELL);
    const row = Math.floor((place.y(requests.dur_ns[i]) - place.top) / CELL);
    if (column < 0 || row < 0 || column >= columns || row >= rows) continue;
    counts[of][(row * columns + column) * states + style.state[i] + 1]++;
  }
  for (let cell = 0; cell < columns * rows; cell++) {
    const selected = cellOf(counts[1], cell, states);
    const { state, sum } = selected.sum > 0 ? selected : cellOf(counts[0], cell, states);
    if (sum === 0) continue;
    const alpha = Math.min(1, 0.3 + Math.log10(sum) * 0.35);
    context.globalAlpha = selected.sum === 0 && style.isPart ? alpha * 0.25 : alpha;
    context.fillStyle = style.colors[state] ?? themeColor("--muted");
    context.fillRect(place.left + (cell % columns) * CELL, place.top + Math.floor(cell / columns) * CELL, CELL - 0.5, CELL - 0.5);
  }
  context.globalAlpha = 1;
}

function cellOf(counts: Uint32Array, cell: number, states: number): { state: number; sum: number } {
  let [state, most, sum] = [-1, 0, 0];
  for (let i = 0; i < states; i++) {
    const n = counts[cell * states + i];
    sum += n;
    if (n > most) [state, most] = [i - 1, n];
  }
  return { state, sum };
}

/** Draws requests that do not count, as grey rings: no colour, as nothing is known of their states. */
export function drawOthers(context: CanvasRenderingContext2D, list: { trace: number[]; start_ns: number[]; dur_ns: number[] }, trace: number | null, place: Place): void {
  const isMany = list.start_ns.length > MAX_DOTS / 4;
  context.strokeStyle = context.fillStyle = themeColor("--muted");
  context.lineWidth = 1;
  context.globalAlpha = isMany ? 0.3 : 0.7;
  for (let i = 0; i < list.start_ns.length; i++) {
    if (trace !== null && list.trace[i] !== trace) continue;
    // Those beyond the scale are at its edge.
    const y = Math.min(place.top + place.height + 3, Math.max(place.top - 3, place.y(list.dur_ns[i])));
    const x = place.x(list.start_ns[i]);
    if (isMany) {
      context.fillRect(x - 1, y - 1, 2, 2);
      continue;
    }
    context.beginPath();
    context.arc(x, y, 2.6, 0, 2 * Math.PI);
    context.stroke();
  }
  context.globalAlpha = 1;
}

/** A ring around a request. */
export function drawRing(context: CanvasRenderingContext2D, x: number, y: number, radius: number, width: number): void {
  context.strokeStyle = themeColor("--text");
  context.lineWidth = width;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.stroke();
}

/** Bands of time in which the collector marked or the world was stopped. */
export function drawSpans(
  context: CanvasRenderingContext2D,
  spans: { trace: number[]; start_ns: number[]; dur_ns: number[] },
  trace: number | null,
  place: Place,
  look: { color: string; alpha: number; least: number },
): void {
  context.fillStyle = look.color;
  context.globalAlpha = look.alpha;
  for (let i = 0; i < spans.start_ns.length; i++) {
    if (trace !== null && spans.trace[i] !== trace) continue;
    const [from, to] = [spans.start_ns[i], spans.start_ns[i] + spans.dur_ns[i]].map(place.x);
    const [left, right] = [Math.max(from, place.left), Math.min(Math.max(to, from + look.least), place.left + place.width)];
    if (right > left) context.fillRect(left, place.top, right - left, place.height);
  }
  context.globalAlpha = 1;
}
