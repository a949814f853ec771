// How many requests took how long, in equal steps of the logarithm.

/** Shortest duration of each step, and the longest of the last one; one more than there are steps. */
export function binEdges([least, most]: [number, number], n: number): number[] {
  return Array.from({ length: n + 1 }, (_, i) => least * (most / least) ** (i / n));
}

/** Of each step how many requests are of the rest, and how many are selected. Those that are not shown count for neither. */
export function bins(durations: number[], mask: Uint8Array, [least, most]: [number, number], n: number): [Uint32Array, Uint32Array] {
  const [low, high] = [Math.log(least), Math.log(most)];
  const sums: [Uint32Array, Uint32Array] = [new Uint32Array(n), new Uint32Array(n)];
  durations.forEach((ns, i) => {
    const part = (Math.log(Math.max(ns, 1)) - low) / (high - low);
    if (mask[i] < 2) sums[mask[i]][Math.max(0, Math.min(n - 1, Math.floor(part * n)))]++;
  });
  return sums;
}
