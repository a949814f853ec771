// A distribution of durations as an outline: equal steps of the logarithm, from the shortest to the longest.

import type { LatencyRow } from "../data/page";

/** A step, in natural logarithms of ns, and how many of its side's requests are in it, as a share, by unit of the logarithm. */
export interface DensityStep {
  from: number;
  to: number;
  density: number;
}

/** Half of what is drawn of a single duration, which has no width. */
const THIN = 0.005;
/** Narrower steps are not taller: one would flatten the other side. */
const LEAST_SIZE = 0.02;

export function densities({ min_ns, max_ns, count, histogram }: Pick<LatencyRow, "min_ns" | "max_ns" | "count" | "histogram">): DensityStep[] {
  const [least, most] = [min_ns, max_ns].map((ns) => Math.log(Math.max(1, ns)));
  const [from, to] = most - least < 2 * THIN ? [least - THIN, most + THIN] : [least, most];
  const size = (to - from) / histogram.length;
  const density = (n: number) => n / Math.max(1, count) / Math.max(size, LEAST_SIZE);
  return histogram.map((n, i) => ({ from: from + i * size, to: from + (i + 1) * size, density: density(n) }));
}
