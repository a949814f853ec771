// What the time of chosen requests is made of. Whole ns: doubles are exact up to 2^53, which is 104 days.

import type { ProfilePage } from "../data/page";

/** The pieces of all requests, in compressed sparse rows. */
export interface Pieces {
  /** Where the pieces of each request start; one more than there are requests. */
  offsets: Uint32Array;
  /** What each piece belongs to: a sample of the page, or from `samples` on a state whose stacks were not kept. */
  row: Uint32Array;
  /** Its length. */
  ns: Float64Array;
  /** Number of samples of the page. */
  samples: number;
  /** Number of rows: samples and states. */
  rows: number;
  /** State of each row. */
  state: Uint16Array;
}

export function piecesOf(page: ProfilePage): Pieces | null {
  if (!page.pieces) return null;
  const { count, sample, ns } = page.pieces;
  const samples = page.samples.state.length;
  const rows = samples + page.states.length;
  const state = new Uint16Array(rows);
  for (let i = 0; i < rows; i++) state[i] = i < samples ? page.samples.state[i] : i - samples;
  if (page.more.request.length > 0) return { ...withMore(page, samples), samples, rows, state };
  const offsets = new Uint32Array(count.length + 1);
  for (let i = 0; i < count.length; i++) offsets[i + 1] = offsets[i] + count[i];
  return { offsets, row: Uint32Array.from(sample), ns: Float64Array.from(ns), samples, rows, state };
}

/** The pieces, and after those of each request the time of which the stacks were not kept. */
function withMore(page: ProfilePage, samples: number): { offsets: Uint32Array; row: Uint32Array; ns: Float64Array } {
  const { count, sample, ns } = page.pieces!;
  const { more } = page;
  const offsets = new Uint32Array(count.length + 1);
  const row = new Uint32Array(sample.length + more.request.length);
  const all = new Float64Array(row.length);
  let [from, to, next] = [0, 0, 0];
  const push = (of: number, time: number) => {
    row[to] = of;
    all[to++] = time;
  };
  for (let i = 0; i < count.length; i++) {
    for (const end = from + count[i]; from < end; from++) push(sample[from], ns[from]);
    for (; next < more.request.length && more.request[next] === i; next++) push(samples + more.state[next], more.ns[next]);
    offsets[i + 1] = to;
  }
  return { offsets, row, ns: all };
}

/** Sums of some requests. */
export interface Sums {
  /** How many requests. */
  requests: number;
  /** Their durations together. */
  totalNs: number;
  /** Time by row of `Pieces`. */
  byRow: Float64Array;
}

/** The sums of requests, of each class by itself. `classOf` has the class of each request; those from `classes` on are left out. */
export function sumsByClass(page: ProfilePage, pieces: Pieces, classOf: Uint8Array, classes: number): Sums[] {
  const sums = Array.from({ length: classes }, () => ({ requests: 0, totalNs: 0, byRow: new Float64Array(pieces.rows) }));
  const { offsets, row, ns } = pieces;
  const durations = page.requests?.dur_ns ?? [];
  for (let i = 0; i < classOf.length; i++) {
    if (classOf[i] >= classes) continue;
    const of = sums[classOf[i]];
    const byRow = of.byRow;
    of.requests++;
    of.totalNs += durations[i];
    for (let at = offsets[i], end = offsets[i + 1]; at < end; at++) byRow[row[at]] += ns[at];
  }
  return sums;
}

/** Several sums as one. */
export function together(list: Sums[]): Sums {
  const byRow = new Float64Array(list[0].byRow.length);
  for (const sums of list) for (let i = 0; i < byRow.length; i++) byRow[i] += sums.byRow[i];
  const add = (of: (sums: Sums) => number) => list.reduce((all, sums) => all + of(sums), 0);
  return { requests: add((sums) => sums.requests), totalNs: add((sums) => sums.totalNs), byRow };
}

/** The same by state. */
export function byState(nStates: number, pieces: Pieces, byRow: Float64Array): Float64Array {
  const states = new Float64Array(nStates);
  for (let i = 0; i < byRow.length; i++) states[pieces.state[i]] += byRow[i];
  return states;
}

/** Of each request, the state that takes most of it; of equal ones the first. -1 where it has no piece. */
export function dominantStates(nStates: number, pieces: Pieces): Int16Array {
  const n = pieces.offsets.length - 1;
  const dominant = new Int16Array(n).fill(-1);
  const sums = new Float64Array(nStates);
  for (let i = 0; i < n; i++) {
    const [start, end] = [pieces.offsets[i], pieces.offsets[i + 1]];
    for (let at = start; at < end; at++) sums[pieces.state[pieces.row[at]]] += pieces.ns[at];
    let most = -1;
    for (let at = start; at < end; at++) {
      const of = pieces.state[pieces.row[at]];
      if (most < 0 || sums[of] > sums[most] || (sums[of] === sums[most] && of < most)) most = of;
    }
    dominant[i] = most;
    for (let at = start; at < end; at++) sums[pieces.state[pieces.row[at]]] = 0;
  }
  return dominant;
}
