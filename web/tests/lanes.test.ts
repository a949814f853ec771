import assert from "node:assert/strict";
import { test } from "node:test";
import { handOvers, otherLinks, pieceAt, rowsOf, runsOf } from "../src/core/lanes";
import type { Exemplar, LaneRow } from "../src/data/page";

const lane = (parent: number | null, path_ns = 0, entry = 1): LaneRow => ({
  goid: 7,
  entry,
  runs: 0,
  parent,
  kind: "inside",
  path_ns,
  start_ns: [],
  dur_ns: [],
  state: [], stack: [],
  more_pieces: 0,
});

const exemplar = (lanes: LaneRow[], path: number[] = []): Exemplar => ({
  request: 0,
  lanes,
  more_lanes: 0,
  more_pieces: 0,
  hand_overs: { at_ns: [], from: [], from_goid: [], to: [], to_goid: [], state: [], stack: [] },
  path: { start_ns: path.map((_, i) => i * 10), dur_ns: path.map(() => 10), lane: path, goid: [], state: [], stack: [] },
});

const shown = (e: Exemplar, open: string[] = []) => rowsOf(e, new Set(open)).map((row) => [row.lanes.length, row.depth]);

test("lanes stand under their creators, and many alike are one row", () => {
  const few = exemplar([lane(null, 5), lane(0), lane(0), lane(1)]);
  assert.deepEqual(shown(few), [[1, 0], [1, 1], [1, 2], [1, 1]]);
  const many = exemplar([lane(null, 5), ...Array.from({ length: 9 }, () => lane(0)), lane(0, 3)]);
  assert.deepEqual(shown(many), [[1, 0], [9, 1], [1, 1]]);
  const key = rowsOf(many, new Set())[1].fold;
  assert.equal(shown(many, [key]).length, 11);
});

test("every lane is on one row, also where the file says that lanes made each other", () => {
  for (const parents of [[1, 0], [0], [2, 0, 1], [null, 5], [1, 2, 1]]) {
    const rows = rowsOf(exemplar(parents.map((parent) => lane(parent, 1))), new Set());
    assert.deepEqual(rows.flatMap((row) => row.lanes).sort(), parents.map((_, i) => i), String(parents));
  }
});

test("where the path changes lanes it is a hand-over, or a line without a head", () => {
  const of = exemplar([lane(null), lane(0)], [0, 0, 1, -1, 1, 0]);
  of.hand_overs = { at_ns: [50], from: [1], from_goid: [8], to: [0], to_goid: [7], state: [3], stack: [5] };
  assert.deepEqual(handOvers(of), [{ ns: 50, from: 1, to: 0, fromGoid: 8, toGoid: 7, state: 3, stack: 5 }]);
  assert.deepEqual(otherLinks(of), [{ ns: 20, from: 0, to: 1 }]);
});

test("pieces are found, and small ones share a pixel", () => {
  assert.deepEqual([-1, 0, 9, 10, 99].map((ns) => pieceAt([0, 10, 20], ns)), [-1, 0, 0, 1, 2]);
  const view = { fromNs: 0, toNs: 100, pixels: 10 };
  assert.deepEqual(runsOf([0, 50], [50, 50], [1, 2], view), [{ x: 0, width: 5, state: 1 }, { x: 5, width: 5, state: 2 }]);
  const starts = Array.from({ length: 100 }, (_, i) => i);
  const runs = runsOf(starts, starts.map(() => 1), starts.map((i) => (i % 10 === 0 ? 3 : 4)), view);
  assert.deepEqual(runs, [{ x: 0, width: 10, state: 4 }], "the state with most of a pixel");
  const thousands = Array.from({ length: 100_000 }, (_, i) => i);
  const few = runsOf(thousands, thousands.map(() => 1), thousands.map((i) => i % 2), { fromNs: 0, toNs: 100_000, pixels: 800 });
  assert.ok(few.length <= 1600, `${few.length} runs on 800 pixels`);
  assert.deepEqual(runsOf([0], [1000], [5], { fromNs: 400, toNs: 500, pixels: 10 }), [{ x: 0, width: 10, state: 5 }]);
});
