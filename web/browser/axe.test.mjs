// Accessibility, as axe sees it: both themes and forced colours, with tables open and closed.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { close, makePage, openPage, traces } from "./harness.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let pages;
before(() => {
  const server = join(traces, "go1.26/server.trace");
  pages = {
    order: makePage("axe-order", "-F", "-r", "(*server).Order", join(traces, "go1.26/problems.trace")),
    kinds: makePage("axe-kinds", "-r", "Handler|Starts", join(traces, "go1.26/kinds.trace")),
    goroutine: makePage("axe-goroutine", "-r", "main", "--metric", "goroutine", server),
    compare: makePage("axe-compare", "-r", "HashAndWriteHandler", "--vs-root", "WriteNoHashHandler", server),
  };
});
after(close);

const LOOKS = { light: { colorScheme: "light" }, dark: { colorScheme: "dark" }, forced: { forcedColors: "active" }, narrow: { viewport: { width: 390, height: 800 } } };

for (const [look, options] of Object.entries(LOOKS)) {
  test(look, async () => {
    for (const [name, path] of Object.entries(pages)) {
      // The policy of the page lets no other script in; the checker is one.
      const { tab, close: closeTab } = await openPage(path, { ...options, bypassCSP: true, hash: name === "order" ? "#band=p95-100&search=sql" : "" });
      await tab.addScriptTag({ content: axe });
      for (const open of [false, true]) {
        if (open) for (const summary of await tab.locator("summary").all()) await summary.click();
        const { violations } = await tab.evaluate(() => globalThis.axe.run());
        const found = violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.target} ${n.failureSummary}`)}`);
        assert.deepEqual(found, [], `${name}, tables ${open ? "open" : "closed"}`);
      }
      await closeTab();
    }
  });
}
