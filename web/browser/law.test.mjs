// For every band, brush and search the sums that the page finds are those of the Rust profile, to the ns. What they must be is
// written by the Rust test `page`, beside the pages: cargo test --test it -- page::
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
assert.ok(names.length >= 8, `no pages in ${folder}: cargo test --test it -- page::`);

/** What the page's own functions find for a selection. */
const ofPage = (selection) => {
  const model = globalThis.gotraceSlice;
  const { selected, rest, all, mask } = model.choose({ selection, trace: null });
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

for (const name of names) {
  test(name, async () => {
    const { selections, searches } = JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));
    const { tab, problems, close: closeTab } = await openPage(join(folder, `${name}.html`));
    for (const { selection, expected } of selections) {
      const { isWhole, ...found } = await tab.evaluate(ofPage, selection);
      assert.deepEqual(found, expected, JSON.stringify(selection));
      assert.ok(isWhole, "selection and rest are all");
    }
    for (const { text, ns } of searches) assert.equal(await tab.evaluate((of) => globalThis.gotraceSlice.search(of), text), ns, text);
    assert.deepEqual(problems, []);
    await closeTab();
  });
}
