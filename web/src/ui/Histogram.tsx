// How many requests took how long, on the same scale as the dots beside it. Dragging selects durations.

import { useCallback, useMemo, useRef } from "preact/hooks";
import { binEdges, bins } from "../core/bins";
import { durationRange } from "../core/ranges";
import { EDGES } from "../core/scale";
import { count, duration } from "../core/units";
import { Canvas } from "../view/Canvas";
import { themeColor } from "../view/theme";
import { Table } from "./parts";
import { useStore } from "./store";

const BINS = 48;
const { top: TOP, bottom: BOTTOM } = EDGES;

export function Histogram({ height, range }: { height: number; range: [number, number] }) {
  const { model, chosen, show } = useStore();
  const requests = model.page.requests!;
  const [low, high] = [Math.log(range[0]), Math.log(range[1])];
  const counts = useMemo(() => bins(requests.dur_ns, chosen!.mask, range, BINS), [chosen]);
  const most = counts[0].reduce((m, n, i) => Math.max(m, n + counts[1][i]), 1);
  const draw = useCallback(
    (context: CanvasRenderingContext2D, width: number) => {
      const size = (height - TOP - BOTTOM) / BINS;
      const bar = (n: number) => (n === 0 ? 0 : Math.max(1, (n / most) * (width - 8)));
      for (let bin = 0; bin < BINS; bin++) {
        const y = height - BOTTOM - (bin + 1) * size;
        const [rest, selected] = [counts[0][bin], counts[1][bin]];
        context.fillStyle = themeColor("--line-strong");
        context.fillRect(0, y, bar(rest + selected), size - 1);
        context.fillStyle = themeColor("--accent");
        context.fillRect(0, y, bar(selected), size - 1);
      }
    },
    [counts, most, height],
  );
  const from = useRef<number | null>(null);
  const valueAt = (event: PointerEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const of = 1 - (event.clientY - box.top - TOP) / (height - TOP - BOTTOM);
    return Math.exp(low + Math.min(1, Math.max(0, of)) * (high - low));
  };
  const start = (event: PointerEvent) => {
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    from.current = valueAt(event);
  };
  const end = (event: PointerEvent) => {
    if (from.current === null) return;
    const edges = [from.current, valueAt(event)].sort((a, b) => a - b);
    from.current = null;
    const isClick = edges[1] / edges[0] < 1.01;
    show({ selection: isClick ? { kind: "all" } : { kind: "brush", minNs: Math.floor(edges[0]), maxNs: Math.ceil(edges[1]) } });
  };
  return (
    <div class="histogram">
      <Canvas height={height} draw={draw} label={`Histogram of durations; the longest bar is ${count(most)} requests`} onPointerDown={start} onPointerUp={end} />
    </div>
  );
}

/** The same as text, without steps that have none. */
export function HistogramTable() {
  const { model, chosen } = useStore();
  const { page } = model;
  const range = durationRange(page);
  const edges = binEdges(range, BINS);
  const [rest, selected] = bins(page.requests!.dur_ns, chosen!.mask, range, BINS);
  const rows = [...rest.keys()].filter((i) => rest[i] + selected[i] > 0).map((i) => [duration(edges[i]), duration(edges[i + 1]), count(rest[i] + selected[i]), count(selected[i])]);
  const right = (title: string) => ({ title, right: true });
  return <Table label="Requests by duration" columns={[right("took from"), right("to"), right("requests"), right("selected")]} rows={rows} />;
}
