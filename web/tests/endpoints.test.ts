import assert from "node:assert/strict";
import { test } from "node:test";
import { endpoints } from "../src/core/endpoints";
import { chosen } from "../src/core/selection";

const n = 21;
const requests = {
  trace: Array.from({ length: n }, (_, i) => (i === 20 ? 1 : 0)),
  goid: Array(n).fill(1),
  start_ns: Array(n).fill(0),
  dur_ns: Array.from({ length: n }, (_, i) => (i === 20 ? 500 : n - i)),
  at_least_ns: Array(n).fill(0),
  root: Array.from({ length: n }, (_, i) => (i === 20 ? 7 : 4)),
  flags: Array(n).fill(0),
};

test("endpoints have nearest ranks, those with most time first", () => {
  const all = endpoints(requests, null);
  assert.deepEqual(all, [
    { name: 7, requests: 1, p50Ns: 500, p95Ns: 500, maxNs: 500, totalNs: 500 },
    { name: 4, requests: 20, p50Ns: 11, p95Ns: 20, maxNs: 21, totalNs: 230 },
  ]);
  assert.deepEqual(endpoints(requests, 0).map((row) => row.name), [4]);
});

test("one endpoint can be selected, and of that a part", () => {
  const bands = new Uint8Array(n);
  const count = (mask: Uint8Array) => mask.reduce((sum, is) => sum + is, 0);
  assert.equal(count(chosen({ kind: "all" }, requests, bands, { trace: null, endpoint: 4 })), 20);
  assert.equal(count(chosen({ kind: "brush", minNs: 20 }, requests, bands, { trace: null, endpoint: 4 })), 2);
  assert.equal(count(chosen({ kind: "all" }, requests, bands, { trace: 0, endpoint: 7 })), 0);
  assert.equal(count(chosen({ kind: "all" }, requests, bands, { trace: null })), n);
});
