// How large pages are, how soon they are ready, and how soon a brush is drawn: printed, and held to three times the budget, as machines
// differ. The data are made up here, and put into the page of a recording.
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { changedPage, close, makePage, openPage, traces } from "./harness.mjs";

after(close);

const SLACK = 3;

/** Numbers that look random and are the same every time. */
function generator(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A page with so many requests and ten pieces for each. */
function generated(name, requests) {
  const path = makePage(`${name}-base`, "-F", "-r", "(*server).Order", join(traces, "go1.26/problems.trace"));
  return changedPage(name, path, (data) => fill(data, requests));
}

function fill(data, requests) {
  const next = generator(7);
  // As many stacks as large programs have: the recording's own, several times, with other states.
  const samples = data.samples;
  const own = samples.stack.length;
  for (let i = own; i < 3000; i++) for (const column of Object.values(samples)) column.push(column[i % own]);
  const columns = { trace: [], goid: [], start_ns: [], dur_ns: [], at_least_ns: [], root: [], flags: [] };
  const pieces = { count: [], sample: [], ns: [] };
  const waits = { count: [], wakeup: [], waits: [], ns: [], max_ns: [] };
  samples.latency_ns.fill(0);
  for (let i = 0, start = 0; i < requests; i++) {
    let duration = 0;
    const chosen = new Set();
    while (chosen.size < 10) chosen.add(Math.floor(next() ** 3 * 3000));
    for (const sample of [...chosen].sort((a, b) => a - b)) {
      const ns = 1 + Math.floor(next() ** 4 * 4e6);
      pieces.sample.push(sample);
      pieces.ns.push(ns);
      samples.latency_ns[sample] += ns;
      duration += ns;
    }
    start += Math.floor(next() * 60_000);
    pieces.count.push(10);
    // As many as a page has, for a hundred thousand requests.
    waits.count.push(2);
    for (const wakeup of [0, 1 + Math.floor(next() * (data.wakeups.length - 1))]) {
      const ns = Math.floor(next() ** 4 * 4e6);
      for (const [column, value] of Object.entries({ wakeup, waits: 1, ns, max_ns: ns })) waits[column].push(value);
    }
    const row = { trace: 0, goid: 1000 + Math.floor(next() * 1e6), start_ns: start, dur_ns: duration, at_least_ns: 0, root: data.requests.root[0], flags: 0 };
    for (const [column, value] of Object.entries(row)) columns[column].push(value);
  }
  Object.assign(data, { requests: columns, pieces, waits });
}

for (const { requests, mostBytes, readyMs } of [
  { requests: 1_000, mostBytes: 250_000, readyMs: 300 },
  { requests: 100_000, mostBytes: 10_000_000, readyMs: 1_500 },
]) {
  test(`${requests} requests, ${requests * 10} pieces`, async (t) => {
    const path = generated(`budget-${requests}`, requests);
    const bytes = statSync(path).size;
    const ready = [];
    let brush;
    for (let i = 0; i < 3; i++) {
      const { tab, problems, close: closeTab } = await openPage(path);
      ready.push(Number(await tab.evaluate(() => document.documentElement.dataset.ready)));
      brush = await tab.evaluate(brushed);
      assert.deepEqual(problems, []);
      await closeTab();
    }
    ready.sort((a, b) => a - b);
    t.diagnostic(`${(bytes / 1e6).toFixed(3)} MB, ready in ${ready[1]} ms, a brush drawn in ${Math.round(brush)} ms`);
    assert.ok(bytes <= mostBytes, `${bytes} bytes`);
    assert.ok(ready[1] <= readyMs * SLACK, `ready in ${ready} ms`);
    assert.ok(brush <= 100 * SLACK, `a brush is drawn in ${brush} ms`);
  });
}

/** From the end of a drag to when all sections show what it selects: the median of five. */
const brushed = async () => {
  const over = document.querySelector(".plot .over");
  const box = over.getBoundingClientRect();
  over.setPointerCapture = () => {};
  const times = [];
  for (let i = 0; i < 5; i++) {
    const fire = (type, x, y) => over.dispatchEvent(new PointerEvent(type, { bubbles: true, pointerId: 1, button: 0, clientX: box.left + x, clientY: box.top + y }));
    fire("pointerdown", 120 + i * 20, 40);
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    fire("pointermove", 500 + i * 20, 200);
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const before = location.hash;
    const start = performance.now();
    fire("pointerup", 500 + i * 20, 200);
    while (location.hash === before) await new Promise((done) => setTimeout(done));
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[2];
};
