// The times and durations that a drawing of all requests spans.

import type { ProfilePage } from "../data/page";

function lists(page: ProfilePage): { start_ns: number[]; dur_ns: number[] }[] {
  return [page.requests, page.cut, page.undecided].filter((list) => list !== null);
}

/** From the shortest to the longest duration of requests that count, are cut, or likely are of the roots; a little wider. Other
 * undecided ones beyond that are drawn at the edge: they may be of other handlers, and would press the others together. */
export function durationRange(page: ProfilePage): [number, number] {
  let [least, most] = [Infinity, 1];
  const likely = page.undecided.dur_ns.filter((_, i) => page.undecided.likely[i] === 1);
  for (const dur_ns of [page.requests?.dur_ns ?? [], page.cut?.dur_ns ?? [], likely]) for (const ns of dur_ns) [least, most] = [Math.min(least, ns), Math.max(most, ns)];
  least = Math.max(1, Math.min(least, most));
  const room = Math.max(1.15, (most / least) ** 0.04);
  return [least / room, most * room];
}

/** From 0 to the last end; of a part of the trace that does not begin early, from the first start. */
export function timeRange(page: ProfilePage): [number, number] {
  let [least, most] = [Infinity, 1];
  for (const { start_ns, dur_ns } of lists(page)) {
    for (let i = 0; i < start_ns.length; i++) [least, most] = [Math.min(least, start_ns[i]), Math.max(most, start_ns[i] + dur_ns[i])];
  }
  return least > most / 2 && least < most ? [least - (most - least) * 0.02, most] : [0, most];
}
