import assert from "node:assert/strict";
import { test } from "node:test";
import { densities } from "../src/core/densities";

test("a distribution lies between its shortest and its longest request", () => {
  for (const [min_ns, max_ns] of [[3_100_000, 3_300_000], [1_000, 50_000_000]]) {
    const steps = densities({ min_ns, max_ns, count: 40, histogram: Array.from({ length: 20 }, () => 2) });
    assert.ok(Math.abs(Math.exp(steps[0].from) - min_ns) < 1);
    assert.ok(Math.abs(Math.exp(steps[19].to) - max_ns) < 1);
    assert.ok(steps.every((step, i) => i === 0 || step.from === steps[i - 1].to || Math.abs(step.from - steps[i - 1].to) < 1e-9));
  }
});

test("one duration has a width, around it", () => {
  const [step] = densities({ min_ns: 5_000, max_ns: 5_000, count: 3, histogram: [3] });
  assert.ok(step.from < Math.log(5_000) && Math.log(5_000) < step.to && step.to - step.from < 0.02);
  assert.equal(step.density, 50);
});
