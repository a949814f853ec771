import { timeRange } from "../src/core/ranges";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Model } from "../src/core/model";
import { bandOf, chosen, fastestFirst } from "../src/core/selection";
import { byState } from "../src/core/sums";
import { boxAt, boxValues, pathOf, placeBoxes } from "../src/core/tree";
import { boxName, matchedValue, matcher, matches } from "../src/core/search";
import { functions } from "../src/core/functions";
import { START } from "../src/core/view";
import { small } from "./page";

const brush = (edges: object) => ({ ...START, selection: { kind: "brush" as const, ...edges } });

test("the pieces of chosen requests add up to them, and selection and rest to all", () => {
  const model = new Model(small());
  const all = model.choose(START)!;
  assert.equal(all.selected.totalNs, 220);
  assert.deepEqual([...byState(2, model.pieces!, all.selected.byRow)], [80, 140]);
  const part = model.choose(brush({ minNs: 60, maxNs: 80 }))!;
  assert.deepEqual([...part.mask], [0, 0, 1]);
  assert.deepEqual([...byState(2, model.pieces!, part.selected.byRow)], [20, 50]);
  assert.deepEqual([...part.rest.byRow], [60, 50, 40, 0, 0]);
  assert.equal(model.withoutStacks(part.selected.byRow), 50);
  assert.deepEqual([...all.selected.byRow], [80, 100, 40, 0, 0], "of all together the stacks are known");
  assert.deepEqual([part.selected.requests, part.rest.requests, part.isPart], [1, 2, true]);
  assert.deepEqual([...model.dominant], [0, 1, 1]);
});

test("what a filter left out counts in sums, and is no box", () => {
  const page = small();
  // The last sample is left out: 40 ns of work.
  page.samples.stack[2] = 0;
  page.filter = { options: "--focus Lock", left_out: 2 };
  page.more = { request: [], state: [], ns: [] };
  page.requests!.dur_ns[2] = 20;
  const model = new Model(page);
  const all = model.choose(START)!.selected;
  assert.deepEqual([...byState(2, model.pieces!, all.byRow)], [80, 90]);
  assert.equal(model.filteredOut(all.byRow), 40);
  assert.deepEqual([...model.shown(all.byRow)], [80, 50, 0, 0, 0]);
  const { tree } = model.tree(START);
  assert.equal(boxValues(tree, model.shown(all.byRow))[0], 130);
  // Without a filter the same page has it all.
  page.filter = null;
  assert.equal(boxValues(tree, new Model(page).shown(all.byRow))[0], 170);
});

test("the command for a request chooses that one", () => {
  const page = small();
  page.one_request = ["gotrace-slice -r '$&' CHOICE t", null];
  page.requests!.goid = [1, 1, 3];
  const model = new Model(page);
  assert.equal(model.commandFor(0), "gotrace-slice -r '$&' --goid 1 --slowest 1 t");
  assert.equal(model.commandFor(1), "gotrace-slice -r '$&' --goid 1 --only 50ns..51ns t");
  assert.equal(model.commandFor(2), null);
});

test("a brush has its edges inside, and one trace is told from the other", () => {
  const page = small();
  const mask = (view: Parameters<Model["choose"]>[0]) => [...new Model(page).choose(view)!.mask];
  assert.deepEqual(mask(brush({ minNs: 50, maxNs: 70 })), [0, 1, 1]);
  assert.deepEqual(mask(brush({ fromNs: 5, toNs: 10 })), [0, 1, 1]);
  assert.deepEqual(mask(brush({ fromNs: 6 })), [0, 1, 0]);
  assert.deepEqual(mask({ ...START, trace: 1 }), [2, 2, 1]);
});

test("bands are those of --only", () => {
  const requests = (durations: number[]) => ({ ...small().requests!, dur_ns: durations, start_ns: durations.map(() => 0) });
  const sizes = (n: number) => {
    const bands = bandOf(requests(Array.from({ length: n }, (_, i) => i)));
    return [0, 1, 2].map((band) => bands.filter((of) => of === band).length);
  };
  assert.deepEqual([1, 2, 20, 21, 72, 100].map(sizes), [[0, 0, 1], [1, 0, 1], [10, 9, 1], [10, 9, 2], [36, 32, 4], [50, 45, 5]]);
  // Of equal durations the earlier counts as the slower.
  assert.deepEqual([...fastestFirst(requests([5, 5, 1]))], [2, 1, 0]);
  assert.deepEqual([...chosen({ kind: "band", band: "p95-100" }, requests([5, 5, 1]), bandOf(requests([5, 5, 1])), { trace: null })], [1, 0, 0]);
});

test("a flame graph has the time of its rows, joined or own, from either end", () => {
  const model = new Model(small());
  const byRow = model.choose(START)!.selected.byRow;
  const boxes = (own: boolean, leafFirst: boolean) => {
    const { tree } = model.tree({ metric: "latency", own, leafFirst });
    const values = boxValues(tree, byRow);
    const name = (box: number) => boxName(tree, box, model.page.strings, model.page.states);
    const path = (box: number): string => (box === 0 ? "" : `${path(tree.parent[box])}/${name(box)}`);
    return Object.fromEntries([...values.keys()].map((box) => [path(box), values[box]]));
  };
  assert.deepEqual(boxes(false, false), {
    "": 220,
    "/main.handle": 220,
    "/main.handle/sync.Lock": 80,
    "/main.handle/sync.Lock/[sync]": 80,
    "/main.handle/[running]": 100,
    "/main.handle/[waiting for]": 40,
    "/main.handle/[waiting for]/main.work": 40,
    "/main.handle/[waiting for]/main.work/[running]": 40,
    "/[sync]": 0,
    "/[running]": 0,
  });
  const own = boxes(true, false);
  assert.deepEqual([own["/main.work"], own["/main.handle"], own[""]], [40, 180, 220]);
  const leafFirst = boxes(false, true);
  assert.deepEqual([leafFirst["/[running]"], leafFirst["/[running]/main.work/[waiting for]/main.handle"]], [140, 40]);
});

test("boxes are placed side by side, and a path leads back to its box", () => {
  const model = new Model(small());
  const { tree, states } = model.tree({ metric: "latency", own: false, leafFirst: false });
  const values = boxValues(tree, model.choose(START)!.selected.byRow);
  const places = placeBoxes(tree, values, 0, 0, 100);
  const below = places.filter((place) => tree.parent[place.box] === 0 && place.width > 0);
  assert.ok(Math.abs(below.reduce((sum, place) => sum + place.width, 0) - 1) < 1e-9);
  for (let box = 0; box < tree.parent.length; box++) assert.equal(boxAt(tree, pathOf(tree, box)), box);
  assert.equal(boxAt(tree, [12345]), 0);
  const handle = boxAt(tree, [1]);
  assert.equal(states[handle], 1, "90 running against 80 sync");
  const zoomed = placeBoxes(tree, values, handle, 0, 100);
  assert.deepEqual(zoomed.filter((place) => place.width === 1).map((place) => place.box), [0, handle]);
});

test("a search counts time once, and takes names as they are", () => {
  const model = new Model(small());
  const { tree } = model.tree({ metric: "latency", own: false, leafFirst: false });
  const values = boxValues(tree, model.choose(START)!.selected.byRow);
  const found = (text: string) => matchedValue(tree, matches(tree, model.page.strings, model.page.states, matcher(text)!), values);
  assert.equal(found("main"), 220, "main.work is below main.handle");
  assert.equal(found("SYNC"), 80);
  assert.equal(found("[running]"), 140, "a state as it is, no class of letters");
  assert.equal(found("nothing"), 0);
  assert.equal(matcher(""), null);
  assert.ok(matcher("(*T).M")!("main.(*T).M") && matcher("(")!("f("));
});

test("functions are counted once a stack, with what is theirs alone", () => {
  const model = new Model(small());
  const rows = functions(model.stacks, model.rows.stack, model.choose(START)!.selected.byRow, false);
  const of = (name: string) => rows.filter((row) => row.short === name).map((row) => [row.totalNs, row.selfNs]);
  assert.deepEqual([of("main.handle"), of("sync.Lock"), of("main.work")], [[[220, 100]], [[80, 80]], [[40, 40]]]);
});

test("times begin at 0, or late where all requests do", () => {
  const of = (starts: number[]) => timeRange({ ...small(), requests: { ...small().requests!, start_ns: starts, dur_ns: starts.map(() => 10) } });
  assert.deepEqual(of([5, 90]), [0, 100]);
  assert.deepEqual(of([890, 900, 980]), [888, 990]);
});
