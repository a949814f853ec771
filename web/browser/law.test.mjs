// For every band, brush and search the sums that the page finds are those of the Rust profile, to the ns. What they must be is
// written by the Rust test `page`, beside the pages: cargo test --test it -- page
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { close, openPage, root } from "./harness.mjs";

after(close);

const folder = process.env.GOTRACE_SLICE_LAW ?? join(root, "target/tmp/page-law");
const names = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .map((name) => name.slice(0, -5));
assert.ok(names.length >= 8, `no pages in ${folder}: cargo test --test it -- page`);

/** What the page's own functions find for a selection. */
const ofPage = ({ selection, endpoint: name }) => {
  const model = globalThis.gotraceSlice;
  const endpoint = name === undefined ? null : model.page.strings.indexOf(name);
  const { selected, rest, all, mask } = model.choose({ selection, trace: null, endpoint });
  const stacks = {};
  selected.byRow.forEach((ns, row) => {
    if (ns === 0) return;
    const names = model.stacks.frameIndexes(model.rows.stack[row]).map((frame) => model.stacks.name(frame));
    const key = [...names, `[${model.page.states[model.rows.state[row]].name}]`].join("\n");
    stacks[key] = (stacks[key] ?? 0) + ns;
  });
  const waits = {};
  for (const sum of model.waitsOf(mask)) waits[sum.wakeup] = [sum.waits, sum.ns, sum.maxNs];
  const isWhole = all.byRow.every((ns, row) => ns === selected.byRow[row] + rest.byRow[row]) && all.requests === mask.length;
  return { requests: selected.requests, total_ns: selected.totalNs, stacks, waits, isWhole };
};

/** The same of a page that has more pieces than it holds: states, what is known by state alone, and the stacks of the rest. */
const ofLargePage = (selection) => {
  const model = globalThis.gotraceSlice;
  const { selected, rest, all, mask } = model.choose({ selection, trace: null });
  const { samples } = model.page;
  const [states, restStates, stacks] = [{}, {}, {}];
  const add = (sums, name, ns) => ns > 0 && (sums[name] = (sums[name] ?? 0) + ns);
  selected.byRow.forEach((ns, row) => {
    const state = model.page.states[model.rows.state[row]].name;
    add(states, state, ns);
    add(restStates, state, rest.byRow[row]);
    const names = model.stacks.frameIndexes(model.rows.stack[row]).map((frame) => model.stacks.name(frame));
    if (row < samples.stack.length) add(stacks, [...names, `[${state}]`].join("\n"), ns);
  });
  // Of all together the page has every stack.
  const allByStack = samples.latency_ns.every((ns, row) => all.byRow[row] === ns);
  const isWhole = all.requests === mask.length && all.totalNs === selected.totalNs + rest.totalNs && Object.values(states).reduce((sum, ns) => sum + ns, 0) === selected.totalNs && Object.values(restStates).reduce((sum, ns) => sum + ns, 0) === rest.totalNs;
  return { requests: selected.requests, total_ns: selected.totalNs, states, summed_ns: model.withoutStacks(selected.byRow), stacks, isWhole: isWhole && allByStack };
};

test("above a million pieces", async () => {
  const summed = join(root, "target/tmp/page-summed");
  const { selections } = JSON.parse(readFileSync(join(summed, "law.json"), "utf8"));
  const { tab, problems, close: closeTab } = await openPage(join(summed, "page.html"));
  assert.ok(await tab.evaluate(() => gotraceSlice.page.pieces.ns.length > 999_000 && gotraceSlice.page.more.ns.length > 0));
  for (const { selection, expected } of selections) {
    const { isWhole, ...found } = await tab.evaluate(ofLargePage, selection);
    assert.deepEqual(found, expected, JSON.stringify(selection));
    assert.ok(isWhole, `selection and rest are all: ${JSON.stringify(selection)}`);
  }
  assert.match(await tab.locator(".plot canvas").first().getAttribute("aria-label"), /^30 000 requests .* drawn as a density grid/);
  // The page says how much of a brush is known by state alone, and of one that is whole nothing.
  assert.match(await tab.locator(".sureness").innerText(), /^Of \d+\.\d% of the requests' time the page has stacks for all together alone/m);
  for (const { selection, expected } of selections.filter(({ selection }) => selection.kind === "brush")) {
    const { fromNs, toNs, minNs, maxNs } = selection;
    await tab.evaluate((hash) => (location.hash = hash), `#start=${fromNs}..${toNs}&took=${minNs}..${maxNs}`);
    await tab.waitForFunction((n) => document.querySelector(".selectionbar")?.innerText.replaceAll(/\s/g, "").includes(`·${n}of`), expected.requests);
    const tenths = Math.round((expected.summed_ns / expected.total_ns) * 1000);
    const leads = (await tab.locator("#flame .lead").allInnerTexts()).filter((text) => text.includes("by state alone"));
    assert.deepEqual(leads.map((text) => text.split(" ")[0]), expected.summed_ns > 0 ? [`${(tenths / 10).toFixed(1)}%`] : [], JSON.stringify(selection));
  }
  assert.deepEqual(problems, []);
  await closeTab();
});

for (const name of names) {
  test(name, async () => {
    const { selections, searches } = JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));
    const { tab, problems, close: closeTab } = await openPage(join(folder, `${name}.html`));
    for (const { expected, ...asked } of selections) {
      const { isWhole, ...found } = await tab.evaluate(ofPage, asked);
      assert.deepEqual(found, expected, JSON.stringify(asked));
      assert.ok(isWhole, "selection and rest are all");
    }
    for (const { text, ns } of searches) assert.equal(await tab.evaluate((of) => globalThis.gotraceSlice.search(of), text), ns, text);
    assert.deepEqual(problems, []);
    await closeTab();
  });
}
