import assert from "node:assert/strict";
import { test } from "node:test";
import { binEdges, bins } from "../src/core/bins";

test("steps are even in the logarithm, and each shown request is in one", () => {
  assert.deepEqual(binEdges([1, 1000], 3).map(Math.round), [1, 10, 100, 1000]);
  const [rest, selected] = bins([1, 9, 11, 99, 101, 5000, 0, 7], Uint8Array.of(1, 0, 1, 1, 0, 1, 0, 2), [1, 1000], 3);
  assert.deepEqual([[...rest], [...selected]], [[2, 0, 1], [1, 2, 1]]);
});
