// The functions of a selection in a table: how much time is in them, and in them and all that they call.

import type { Stacks } from "./stacks";

export interface FunctionRow {
  /** Position of its name in the strings. */
  name: number;
  short: string;
  own: boolean;
  /** Time on stacks that have it. */
  totalNs: number;
  /** Time on stacks on which it is innermost. */
  selfNs: number;
}

/** Sums up rows by function; those with most time first. */
export function functions(stacks: Stacks, stackOf: ArrayLike<number>, byRow: ArrayLike<number>, ownFramesOnly: boolean): FunctionRow[] {
  const rows = new Map<number, FunctionRow>();
  for (let row = 0; row < stackOf.length; row++) {
    const ns = byRow[row];
    if (!(ns > 0)) continue;
    const frames = ownFramesOnly ? stacks.ownFrameIndexes(stackOf[row]) : stacks.frameIndexes(stackOf[row]);
    const seen = new Set<number>();
    frames.forEach((frame, i) => {
      const name = stacks.frames.function[frame];
      let of = rows.get(name);
      if (!of) {
        of = { name, short: stacks.short(frame), own: stacks.frames.own[frame] === 1, totalNs: 0, selfNs: 0 };
        rows.set(name, of);
      }
      if (i === 0) of.selfNs += ns;
      if (!seen.has(name)) of.totalNs += ns;
      seen.add(name);
    });
  }
  return [...rows.values()].sort((a, b) => b.totalNs - a.totalNs || b.selfNs - a.selfNs || a.name - b.name);
}
