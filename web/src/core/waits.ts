// Who ended the waits of chosen requests.

import type { ProfilePage } from "../data/page";

/** Waits on one stack that were ended from one stack: a row of `wakeups`. */
export interface WaitSum {
  wakeup: number;
  waits: number;
  ns: number;
  maxNs: number;
}

/** The sums of requests whose mask is `wanted`, those with most time first. Null where the page has them for all requests alone. */
export function waitsOf(page: ProfilePage, mask: Uint8Array, wanted: number): WaitSum[] | null {
  if (!page.waits) return null;
  const { count, wakeup, waits, ns, max_ns } = page.waits;
  const sums = page.wakeups.map((_, i) => ({ wakeup: i, waits: 0, ns: 0, maxNs: 0 }));
  for (let i = 0, at = 0; i < count.length; i++) {
    const end = at + count[i];
    if (mask[i] !== wanted) at = end;
    for (; at < end; at++) {
      const sum = sums[wakeup[at]];
      sum.waits += waits[at];
      sum.ns += ns[at];
      sum.maxNs = Math.max(sum.maxNs, max_ns[at]);
    }
  }
  return sums.filter((sum) => sum.waits > 0).sort((a, b) => b.ns - a.ns || a.wakeup - b.wakeup);
}
