import assert from "node:assert/strict";
import { test } from "node:test";
import { count, duration, parseDuration, percent, share, signed } from "../src/core/units";

test("durations have three digits in the largest fitting unit", () => {
  const known: [number, string][] = [
    [0, "0 ns"],
    [61, "61 ns"],
    [999, "999 ns"],
    [1000, "1.00 µs"],
    [18_200_000, "18.2 ms"],
    [999_499, "999 µs"],
    [999_500, "1.00 ms"],
    [3_900_000_000, "3.90 s"],
    [12_345_000_000_000, "12 345 s"],
  ];
  for (const [ns, text] of known) assert.equal(duration(ns), text);
});

test("changes have a sign, shares are honest about little", () => {
  assert.deepEqual([2_800_000, -61, 0].map(signed), ["+2.80 ms", "−61 ns", "0 ns"]);
  assert.deepEqual([share(1, 3), share(1, 1e6), share(0, 5), share(1, 0)], ["33.3%", "<0.1%", "0.0%", "–"]);
  assert.deepEqual([percent(43, 100), percent(-4, 1000), percent(5, 0), percent(2000, 100)], ["+43%", "−0.4%", "", "+2 000%"]);
  assert.equal(count(4_812_334), "4 812 334");
});

test("durations that somebody types are understood", () => {
  assert.deepEqual(["1.5ms", "20 µs", "3 s", "7", "1,5 ms", "61ns"].map(parseDuration), [1_500_000, 20_000, 3e9, 7e6, 1_500_000, 61]);
  for (const wrong of ["", "fast", "ms", "1.2.3", "-1 ms"]) assert.equal(parseDuration(wrong), null, wrong);
});
