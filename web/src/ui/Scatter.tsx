// The drawing of requests over time, with the brush.

import { useCallback, useMemo, useState } from "preact/hooks";
import { durationRange, timeRange } from "../core/ranges";
import { EDGES, logTicks, placeOf, ticks, type Box, type Place } from "../core/scale";
import type { Brush } from "../core/selection";
import { count, counted, duration } from "../core/units";
import { Canvas } from "../view/Canvas";
import { drawOthers, drawRequests, drawRing, drawSpans, MAX_DOTS } from "../view/dots";
import { themeColor, useStateColors } from "../view/theme";
import { Histogram } from "./Histogram";
import { useStore, type Store } from "./store";

const HEIGHT = 350;
/** How near to a dot a click must be, in CSS pixels. */
const NEAR = 14;
/** A pointer that moves less than this clicks. */
const CLICK = 5;
/** A brush that is lower, or narrower, than this is over times alone, or over durations alone. */
const THIN = 16;

interface Drag {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

export function Scatter() {
  const store = useStore();
  const { model, chosen, view, picked, show } = store;
  const { page } = model;
  const colors = useStateColors(page.states);
  const ranges = useMemo(() => ({ time: timeRange(page), duration: durationRange(page) }), [page]);
  const [width, setWidth] = useState(0);
  const [drag, setDrag] = useState<Drag | null>(null);
  const place = useMemo(() => placeOf(inner(width, HEIGHT), ranges.time, ranges.duration), [width, ranges]);
  // A drag is drawn on a canvas of its own: the dots below stay as they are.
  const draw = useCallback((context: CanvasRenderingContext2D) => drawAll(context, place, colors, store), [place, colors, chosen, picked, view.trace]);
  const brush = view.selection.kind === "brush" ? view.selection : null;
  const drawBrush = useCallback(
    (context: CanvasRenderingContext2D) => {
      const box = drag ? boxOfDrag(place, drag) : brush ? boxOfBrush(place, brush) : null;
      if (!box) return;
      context.fillStyle = context.strokeStyle = themeColor("--accent");
      context.globalAlpha = 0.13;
      context.fillRect(box.left, box.top, box.width, box.height);
      context.globalAlpha = 1;
      context.strokeRect(box.left + 0.5, box.top + 0.5, box.width, box.height);
    },
    [place, drag, brush],
  );
  const at = (event: PointerEvent): [number, number] => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const down = (event: PointerEvent) => {
    if (event.button !== 0) return;
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    const [x, y] = at(event);
    setDrag({ x0: x, y0: y, x1: x, y1: y });
  };
  const move = (event: PointerEvent) => {
    if (!drag) return;
    const [x1, y1] = at(event);
    setDrag({ ...drag, x1, y1 });
  };
  const up = (event: PointerEvent) => {
    if (!drag) return;
    const [x1, y1] = at(event);
    setDrag(null);
    if (Math.hypot(x1 - drag.x0, y1 - drag.y0) > CLICK) return show({ selection: brushOf(place, { ...drag, x1, y1 }) });
    const found = nearest(place, store, x1, y1);
    return show(found !== null ? { picked: found } : { selection: { kind: "all" } });
  };
  const n = page.requests!.dur_ns.length;
  const grid = n > MAX_DOTS ? ", drawn as a density grid" : "";
  const label = `${counted(n, "request")} by start and duration, ${count(chosen!.selected.requests)} selected${grid}. The table below has them as text.`;
  return (
    <div class="scatter">
      <div class="plot">
        <Canvas height={HEIGHT} draw={draw} label={label} onWidth={setWidth} />
        <Canvas
          height={HEIGHT}
          draw={drawBrush}
          label="Brush"
          aria-hidden="true"
          class="over"
          onPointerDown={down}
          onPointerMove={move}
          onPointerUp={up}
          onPointerCancel={() => setDrag(null)}
        />
      </div>
      <Histogram height={HEIGHT} range={ranges.duration} />
    </div>
  );
}

function inner(width: number, height: number): Box {
  const { left, right, top, bottom } = EDGES;
  return { left, top, width: Math.max(1, width - left - right), height: height - top - bottom };
}

/** The rectangle of a drag; as high or as wide as all where it is thin. */
function boxOfDrag(place: Place, { x0, y0, x1, y1 }: Drag): Box {
  const [right, bottom] = [place.left + place.width, place.top + place.height];
  const inside = (value: number, from: number, to: number) => Math.min(to, Math.max(from, value));
  const [fromX, toX] = [Math.min(x0, x1), Math.max(x0, x1)].map((x) => inside(x, place.left, right));
  const [fromY, toY] = [Math.min(y0, y1), Math.max(y0, y1)].map((y) => inside(y, place.top, bottom));
  const isThin = toX - fromX < THIN !== toY - fromY < THIN;
  const [isLow, isNarrow] = [isThin && toY - fromY < THIN, isThin && toX - fromX < THIN];
  return {
    left: isNarrow ? place.left : fromX,
    top: isLow ? place.top : fromY,
    width: isNarrow ? place.width : toX - fromX,
    height: isLow ? place.height : toY - fromY,
  };
}

/** The brush of a drag: what reaches the edges of the drawing has no limit there. */
function brushOf(place: Place, drag: Drag): Brush {
  const box = boxOfDrag(place, drag);
  const brush: Brush = { kind: "brush" };
  if (box.left > place.left + 0.5) brush.fromNs = Math.floor(place.timeAt(box.left));
  if (box.left + box.width < place.left + place.width - 0.5) brush.toNs = Math.ceil(place.timeAt(box.left + box.width));
  if (box.top + box.height < place.top + place.height - 0.5) brush.minNs = Math.floor(place.durationAt(box.top + box.height));
  if (box.top > place.top + 0.5) brush.maxNs = Math.ceil(place.durationAt(box.top));
  return brush;
}

function boxOfBrush(place: Place, brush: Brush): Box {
  const [right, bottom] = [place.left + place.width, place.top + place.height];
  const inside = (value: number, from: number, to: number) => Math.min(to, Math.max(from, value));
  const fromX = brush.fromNs === undefined ? place.left : inside(place.x(brush.fromNs), place.left, right);
  const toX = brush.toNs === undefined ? right : inside(place.x(brush.toNs), place.left, right);
  const fromY = brush.maxNs === undefined ? place.top : inside(place.y(brush.maxNs), place.top, bottom);
  const toY = brush.minNs === undefined ? bottom : inside(place.y(brush.minNs), place.top, bottom);
  return { left: fromX, top: fromY, width: Math.max(1, toX - fromX), height: Math.max(1, toY - fromY) };
}

function drawAll(context: CanvasRenderingContext2D, place: Place, colors: string[], { model, view, picked, chosen }: Store): void {
  const { page } = model;
  const requests = page.requests!;
  drawAxes(context, place);
  context.save();
  context.beginPath();
  context.rect(place.left - 5, place.top - 5, place.width + 10, place.height + 10);
  context.clip();
  drawSpans(context, page.collector, view.trace, place, { color: themeColor("--gc"), alpha: 0.16, least: 1 });
  drawSpans(context, page.stopped, view.trace, place, { color: themeColor("--stw"), alpha: 0.6, least: 1 });
  drawOthers(context, page.undecided, view.trace, place);
  if (page.cut) drawOthers(context, page.cut, view.trace, place);
  drawRequests(context, requests, place, { colors, state: model.dominant, mask: chosen!.mask, isPart: chosen!.isPart });
  const ring = (i: number, radius: number, width: number) => drawRing(context, place.x(requests.start_ns[i]), place.y(requests.dur_ns[i]), radius, width);
  for (const { request } of page.exemplars) if (chosen!.mask[request] === 1) ring(request, 5, 1);
  if (picked !== null && chosen!.mask[picked] < 2) ring(picked, 8, 2.5);
  context.restore();
}

function drawAxes(context: CanvasRenderingContext2D, place: Place): void {
  const [right, bottom] = [place.left + place.width, place.top + place.height];
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "middle";
  for (const ns of logTicks(place.durationAt(bottom), place.durationAt(place.top), Math.floor(place.height / 26))) {
    context.fillStyle = themeColor("--line");
    context.fillRect(place.left, Math.round(place.y(ns)), place.width, 1);
    context.fillStyle = themeColor("--muted");
    context.textAlign = "right";
    context.fillText(duration(ns), place.left - 8, place.y(ns));
  }
  context.textAlign = "center";
  for (const ns of ticks(place.timeAt(place.left), place.timeAt(right), Math.max(2, Math.floor(place.width / 90)))) {
    context.fillStyle = themeColor("--line-strong");
    context.fillRect(Math.round(place.x(ns)), bottom, 1, 4);
    context.fillStyle = themeColor("--muted");
    context.fillText(duration(ns), place.x(ns), bottom + 15);
  }
  context.textAlign = "left";
}

/** The request near a point. Of two that are as near, one with goroutines. */
function nearest(place: Place, { model, chosen }: Store, x: number, y: number): number | null {
  const { start_ns, dur_ns } = model.page.requests!;
  let [found, best]: [number | null, number] = [null, NEAR];
  for (let i = 0; i < dur_ns.length; i++) {
    if (chosen!.mask[i] > 1) continue;
    const distance = Math.hypot(place.x(start_ns[i]) - x, place.y(dur_ns[i]) - y);
    const nearer = distance - (model.exemplar(i) ? 2 : 0);
    if (nearer < best) [found, best] = [i, nearer];
  }
  return found;
}
