// Scales of axes: where their marks are, and where values are on a drawing.

/** 1, 2 and 5 of each power of ten between two values, fewer where these are more than `most`; never none. */
export function logTicks(from: number, to: number, most: number): number[] {
  for (const steps of [[1, 2, 5], [1, 3], [1]]) {
    const list = powers(from, to).flatMap((power) => steps.map((step) => step * power));
    const inside = list.filter((value) => value >= from && value <= to);
    if (inside.length > 2 && inside.length <= Math.max(3, most)) return inside;
  }
  // Values within few steps of each other: round ones between them, as their logarithms are nearly even.
  if (to / from < 10) return ticks(from, to, Math.min(5, Math.max(2, most)));
  const few = powers(from, to).filter((power) => power >= from && power <= to);
  return few.filter((_, i) => i % Math.ceil(few.length / Math.max(2, most)) === 0);
}

function powers(from: number, to: number): number[] {
  const list: number[] = [];
  for (let power = 10 ** Math.floor(Math.log10(from)); power <= to; power *= 10) list.push(power);
  return list;
}

/** Round values between two, at most so many. */
export function ticks(from: number, to: number, most: number): number[] {
  const rough = (to - from) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  const step = [1, 2, 5, 10].map((of) => of * power).find((of) => of >= rough) ?? power * 10;
  const list: number[] = [];
  for (let value = Math.ceil(from / step) * step; value <= to; value += step) list.push(value);
  return list;
}

/** Room for the axes of the drawing of requests, in CSS pixels. */
export const EDGES = { left: 66, right: 14, top: 12, bottom: 34 };

/** A rectangle on a drawing, in CSS pixels. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Where times and durations are in a box: times evenly from the left, durations by their logarithm from the bottom. */
export interface Place extends Box {
  x: (startNs: number) => number;
  y: (durationNs: number) => number;
  timeAt: (x: number) => number;
  durationAt: (y: number) => number;
}

export function placeOf(box: Box, [from, to]: [number, number], [least, most]: [number, number]): Place {
  const [low, high] = [Math.log(least), Math.log(most)];
  return {
    ...box,
    x: (ns) => box.left + ((ns - from) / (to - from)) * box.width,
    y: (ns) => box.top + (1 - (Math.log(Math.max(ns, 1)) - low) / (high - low)) * box.height,
    timeAt: (x) => from + (clamp((x - box.left) / box.width)) * (to - from),
    durationAt: (y) => Math.exp(low + clamp(1 - (y - box.top) / box.height) * (high - low)),
  };
}

const clamp = (part: number) => Math.min(1, Math.max(0, part));
