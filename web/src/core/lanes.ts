// The goroutines of one request as rows: a tree under their go statements, folded where many are alike.

import type { Exemplar, LaneRow } from "../data/page";

/** So many alike are shown before they become one row. */
const ALIKE = 3;

export interface Row {
  /** Lanes of the row: one, or all that are folded into it. */
  lanes: number[];
  /** How deep below the request's own goroutine. */
  depth: number;
  /** The lanes that it stands for when folded, as a key; empty where nothing is folded. */
  fold: string;
  /** How it belongs to the request. */
  kind: string;
}

/** The rows, from top to bottom. `open` has the keys of those that are unfolded. */
export function rowsOf(exemplar: Exemplar, open: ReadonlySet<string>): Row[] {
  const { lanes } = exemplar;
  const children: number[][] = lanes.map(() => []);
  const roots: number[] = [];
  lanes.forEach((lane, i) => {
    // A lane is never its own ancestor, unless the file is damaged: then it is a root.
    const isChild = lane.parent !== null && lane.parent !== i && lanes[lane.parent] && !hasAncestor(lanes, lane.parent, i);
    (isChild ? children[lane.parent!] : roots).push(i);
  });
  const rows: Row[] = [];
  const stack: { group: number[]; depth: number; key: string; isFolded: boolean }[] = [];
  const push = (list: number[], depth: number) => {
    for (const { group, key } of groups(lanes, list, children).reverse()) {
      const isFolded = group.length > ALIKE && !open.has(key);
      if (isFolded) stack.push({ group, depth, key, isFolded });
      else for (const lane of [...group].reverse()) stack.push({ group: [lane], depth, key: group.length > ALIKE ? key : "", isFolded });
    }
  };
  push(roots, 0);
  for (let item = stack.pop(); item; item = stack.pop()) {
    const { group, depth, key } = item;
    rows.push({ lanes: group, depth, fold: key, kind: lanes[group[0]].kind });
    if (!item.isFolded) push(children[group[0]], depth + 1);
  }
  return rows;
}

/** Lanes that are alike: of one creator and one function, without children and not on the critical path. */
function groups(lanes: LaneRow[], list: number[], children: number[][]): { group: number[]; key: string }[] {
  const known = new Map<string, number[]>();
  const out: { group: number[]; key: string }[] = [];
  for (const i of list) {
    const lane = lanes[i];
    const isPlain = lane.path_ns === 0 && children[i].length === 0;
    const key = `${lane.parent ?? "-"}.${lane.kind}.${lane.entry}.${lane.runs}`;
    const found = isPlain ? known.get(key) : undefined;
    if (found) {
      found.push(i);
      continue;
    }
    const group = [i];
    if (isPlain) known.set(key, group);
    out.push({ group, key });
  }
  return out;
}

function hasAncestor(lanes: LaneRow[], from: number, wanted: number): boolean {
  let at: number | null = from;
  for (let steps = 0; at !== null && steps <= lanes.length; steps++) {
    if (at === wanted) return true;
    at = lanes[at]?.parent ?? null;
  }
  return at !== null;
}

/** Where the critical path goes from one goroutine to another. */
export interface Link {
  ns: number;
  /** Lanes; -1 where they are not shown. */
  from: number;
  to: number;
}

/** The first goroutine ends the wait of the second one there, or creates it. */
export interface HandOver extends Link {
  fromGoid: number;
  toGoid: number;
  /** What the second one waited in; -1 where it was created. */
  state: number;
  /** The stack on which it waited; 0 where none is known. */
  stack: number;
}

export function handOvers({ hand_overs: h }: Exemplar): HandOver[] {
  return h.at_ns.map((ns, i) => ({ ns, from: h.from[i], to: h.to[i], fromGoid: h.from_goid[i], toGoid: h.to_goid[i], state: h.state[i], stack: h.stack[i] }));
}

/** Where the path goes to another goroutine without such an end: from there on the first one waits for what the second does. */
export function otherLinks({ path, hand_overs }: Exemplar): Link[] {
  const ends = new Set(hand_overs.at_ns.map((ns, i) => `${ns} ${hand_overs.to[i]}`));
  const list: Link[] = [];
  for (let i = 1; i < path.lane.length; i++) {
    const [ns, from, to] = [path.start_ns[i], path.lane[i - 1], path.lane[i]];
    if (from !== to && from >= 0 && to >= 0 && !ends.has(`${ns} ${to}`)) list.push({ ns, from, to });
  }
  return list;
}

/** The last piece that starts at or before a time; -1 where there is none. */
export function pieceAt(starts: ArrayLike<number>, ns: number): number {
  let [low, high] = [0, starts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle] <= ns) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Stretches of one colour on the pixels of a row. */
export interface PixelRun {
  x: number;
  width: number;
  state: number;
}

/** Pieces on pixels: those narrower than a pixel share it, and the state that has most of it wins. */
export function runsOf(
  starts: ArrayLike<number>,
  durations: ArrayLike<number>,
  states: ArrayLike<number>,
  view: { fromNs: number; toNs: number; pixels: number },
): PixelRun[] {
  const runs: PixelRun[] = [];
  const perPixel = view.pixels / Math.max(1, view.toNs - view.fromNs);
  const add = (x: number, width: number, state: number) => {
    const last = runs[runs.length - 1];
    if (last && last.state === state && Math.abs(last.x + last.width - x) < 0.01) last.width += width;
    else runs.push({ x, width, state });
  };
  let pixel = -1;
  let sums = new Map<number, number>();
  const flush = () => {
    let [most, state] = [0, -1];
    for (const [of, ns] of sums) if (ns > most) [most, state] = [ns, of];
    if (state >= 0) add(pixel, 1, state);
    sums = new Map();
  };
  for (let i = Math.max(0, pieceAt(starts, view.fromNs)); i < starts.length && starts[i] < view.toNs; i++) {
    const [start, end] = [Math.max(starts[i], view.fromNs), Math.min(starts[i] + durations[i], view.toNs)];
    if (end <= start) continue;
    const [x, width] = [(start - view.fromNs) * perPixel, (end - start) * perPixel];
    if (width >= 1) {
      flush();
      add(x, width, states[i]);
      pixel = -1;
    } else {
      if (Math.floor(x) !== pixel) flush();
      pixel = Math.floor(x);
      sums.set(states[i], (sums.get(states[i]) ?? 0) + (end - start));
    }
  }
  flush();
  return runs;
}
