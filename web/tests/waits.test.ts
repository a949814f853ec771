import assert from "node:assert/strict";
import { test } from "node:test";
import { Model } from "../src/core/model";
import { START } from "../src/core/view";
import { waitsOf } from "../src/core/waits";
import { small } from "./page";

const wakeup = { waiting: 1, state: "sync", detail: "", who: "", waker: 0, waker_entry: 0, count: 0, wait_ns: 0, max_ns: 0 };
const page = { ...small(), wakeups: [wakeup, wakeup] };

test("waits of chosen requests are added up, the longest first", () => {
  assert.deepEqual(waitsOf(page, Uint8Array.of(1, 1, 1), 1), [{ wakeup: 0, waits: 3, ns: 35, maxNs: 20 }, { wakeup: 1, waits: 1, ns: 7, maxNs: 7 }]);
  assert.deepEqual(waitsOf(page, Uint8Array.of(0, 1, 1), 1), [{ wakeup: 0, waits: 1, ns: 5, maxNs: 5 }]);
  assert.deepEqual(waitsOf(page, Uint8Array.of(0, 1, 1), 0)?.map((sum) => sum.ns), [30, 7]);
  assert.deepEqual(waitsOf(page, Uint8Array.of(0, 1, 0), 1), []);
  assert.equal(waitsOf({ ...page, waits: null }, Uint8Array.of(1, 1, 1), 1), null);
});

test("of a selection, the slowest is shown, and those with goroutines are in it", () => {
  const exemplar = (request: number) => ({ request, lanes: [], more_lanes: 0, more_pieces: 0 }) as unknown as (typeof page)["exemplars"][0];
  const model = new Model({ ...page, exemplars: [0, 2, 1].map(exemplar) });
  const view = { ...START, selection: { kind: "brush" as const, maxNs: 70 } };
  const chosen = model.choose(view)!;
  assert.deepEqual([model.exemplarsOf(chosen), model.slowestOf(chosen)], [[2, 1], 2]);
  assert.deepEqual([0, 1, 2].map((i) => model.isChosen(view, i)), [false, true, true]);
  assert.equal(model.slowestOf(model.choose({ ...view, selection: { kind: "brush", maxNs: 1 } })!), null);
});
