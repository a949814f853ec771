// The requests of each endpoint: how many, and how long they took.

import type { RequestColumns } from "../data/page";

export interface EndpointRow {
  /** Position of its name in the strings. */
  name: number;
  requests: number;
  p50Ns: number;
  p95Ns: number;
  maxNs: number;
  totalNs: number;
}

/** Endpoints of one trace, or of all, those with most time first. */
export function endpoints({ root, trace, dur_ns }: RequestColumns, only: number | null): EndpointRow[] {
  const durations = new Map<number, number[]>();
  root.forEach((name, i) => {
    if (only !== null && trace[i] !== only) return;
    const list = durations.get(name);
    if (list) list.push(dur_ns[i]);
    else durations.set(name, [dur_ns[i]]);
  });
  const rows = [...durations].map(([name, list]) => {
    list.sort((a, b) => a - b);
    // The nearest rank, as in the report.
    const at = (percent: number) => list[Math.max(1, Math.ceil((list.length * percent) / 100)) - 1];
    return { name, requests: list.length, p50Ns: at(50), p95Ns: at(95), maxNs: list[list.length - 1], totalNs: list.reduce((sum, ns) => sum + ns, 0) };
  });
  return rows.sort((a, b) => b.totalNs - a.totalNs || a.name - b.name);
}
