// Which requests are looked at: all, a band of the distribution, or what was brushed.

import type { RequestColumns } from "../data/page";

/** A band by rank, as `--only` has it. */
export type BandName = "p0-50" | "p50-95" | "p95-100";

export const BANDS: { name: BandName; label: string; from: number; to: number }[] = [
  { name: "p0-50", label: "p0–50", from: 0, to: 50 },
  { name: "p50-95", label: "p50–95", from: 50, to: 95 },
  { name: "p95-100", label: "p95–100", from: 95, to: 100 },
];

/** A rectangle in time and duration, all ends included; what is missing is open. In ns. */
export interface Brush {
  kind: "brush";
  fromNs?: number;
  toNs?: number;
  minNs?: number;
  maxNs?: number;
}

export type Selection = { kind: "all" } | { kind: "band"; band: BandName } | Brush;

export const ALL: Selection = { kind: "all" };

/** The positions of requests, fastest first. Of equal durations the earlier request counts as the slower. */
export function fastestFirst(requests: RequestColumns): Uint32Array {
  const { dur_ns } = requests;
  const order = new Uint32Array(dur_ns.length);
  for (let i = 0; i < order.length; i++) order[i] = i;
  return order.sort((a, b) => dur_ns[a] - dur_ns[b] || b - a);
}

/** For each request, its band's position in BANDS. */
export function bandOf(requests: RequestColumns): Uint8Array {
  const order = fastestFirst(requests);
  const bands = new Uint8Array(order.length);
  // How many are faster than an edge, rounded down: so that p95-100 is never empty.
  const edge = (percentile: number) => Math.floor((order.length * percentile) / 100);
  BANDS.forEach(({ from, to }, band) => {
    for (let rank = edge(from); rank < edge(to); rank++) bands[order[rank]] = band;
  });
  return bands;
}

/** One trace alone, one endpoint alone. */
export interface Only {
  trace: number | null;
  endpoint?: number | null;
}

/** Tells of a request, by its position, whether it is selected. */
export function chooser(selection: Selection, requests: RequestColumns, bands: Uint8Array, { trace, endpoint }: Only): (request: number) => boolean {
  const band = selection.kind === "band" ? BANDS.findIndex((b) => b.name === selection.band) : -1;
  const brush: Brush = selection.kind === "brush" ? selection : { kind: "brush" };
  const { fromNs = -Infinity, toNs = Infinity, minNs = -Infinity, maxNs = Infinity } = brush;
  return (i) => {
    const start = requests.start_ns[i];
    const dur = requests.dur_ns[i];
    const inside = start >= fromNs && start <= toNs && dur >= minNs && dur <= maxNs;
    const isOfTrace = trace === null || requests.trace[i] === trace;
    const isOfEndpoint = endpoint == null || requests.root[i] === endpoint;
    return (band < 0 || bands[i] === band) && inside && isOfTrace && isOfEndpoint;
  };
}

/** For each request, 1 where it is selected. */
export function chosen(selection: Selection, requests: RequestColumns, bands: Uint8Array, only: Only): Uint8Array {
  const isChosen = chooser(selection, requests, bands, only);
  const mask = new Uint8Array(requests.dur_ns.length);
  for (let i = 0; i < mask.length; i++) mask[i] = isChosen(i) ? 1 : 0;
  return mask;
}
