// speedscope opens what `-f speedscope` writes: in its own page it shows the report's numbers, units and names.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { close, folder, json, launch, root, run, traces } from "./harness.mjs";

const page = pathToFileURL(join(root, "web/node_modules/speedscope/dist/release/index.html")).href;
const problems = join(traces, "go1.26/problems.trace");
const order = ["-F", "-r", "(*server).Order", problems];
const file = join(folder, "order.speedscope.json");
before(() => run("-q", "-o", file, ...order));
after(close);

/** Opens a file in speedscope, uses it, and fails when anything was complained about. */
async function opened(path, use) {
  const tab = await (await launch()).newPage();
  const complaints = [];
  // What the graphics driver says of itself is not about the file.
  tab.on("console", (m) => ["error", "warning"].includes(m.type()) && !/GL|GPU/.test(m.text()) && complaints.push(m.text()));
  tab.on("pageerror", (error) => complaints.push(String(error)));
  tab.on("dialog", (dialog) => (complaints.push(dialog.message()), dialog.dismiss()));
  try {
    await tab.goto(page);
    await tab.locator("input[type=file]").setInputFiles(path);
    await tab.getByText("Left Heavy").waitFor();
    await use(tab);
    assert.deepEqual(complaints, []);
  } finally {
    await tab.close();
  }
}

/**
 * Waits until the page shows a text, and gives all that it shows. speedscope draws the head of a table before its rows: wait
 * for what is in the row.
 */
async function shows(tab, text) {
  await tab.waitForFunction((wanted) => document.body.innerText.includes(wanted), text);
  return tab.locator("body").innerText();
}

/** A duration as speedscope writes it. */
function written(ns) {
  const of = (value, unit) => `${value.toFixed(2)}${unit}`;
  if (ns >= 60e9) return `${Math.floor(ns / 60e9)}:${String(Math.floor((ns / 1e9) % 60)).padStart(2, "0")}`;
  if (ns >= 1e9) return of(ns / 1e9, "s");
  if (ns >= 1e6) return of(ns / 1e6, "ms");
  return ns >= 1e3 ? of(ns / 1e3, "µs") : of(ns, "ns");
}

test("all requests come first, with the report's states", () =>
  opened(file, async (tab) => {
    const report = json(...order);
    const undecided = report.selection.undecided.count;
    assert.ok(undecided > 0);
    await shows(tab, `latency of ${report.requests.length} requests (${undecided} undecided) (1/6)`);
    assert.match(await tab.title(), /^\(\*server\)\.Order · problems\.trace/);
    await tab.keyboard.press("3");
    // speedscope rounds its own sums of ns.
    for (const { state, latency_ns: ns } of report.states.filter((s) => s.latency_ns > 0)) {
      const table = await shows(tab, `[${state}]`);
      const row = table.split("\n").findIndex((line) => line.trim() === `[${state}]`);
      assert.ok(row > 0, state);
      assert.ok(table.split("\n")[row - 1].trim().startsWith(written(ns)), `${state}: ${written(ns)} in ${table.split("\n")[row - 1]}`);
    }
  }));

test("then the slowest requests, the slowest one first, each as long as it took", () =>
  opened(file, async (tab) => {
    const slowest = json(...order).requests.sort((a, b) => b.dur_ns - a.dur_ns).slice(0, 5);
    await tab.keyboard.press("t");
    const list = (await shows(tab, `slowest ${slowest.length}: `)).split("\n").filter((line) => /^\d\t/.test(line));
    assert.equal(list.length, 6);
    slowest.forEach((request, i) => {
      const line = list[i + 1];
      assert.ok(line.includes(`slowest ${i + 1}: `) && line.includes(`goroutine ${request.goid}`), line);
      assert.ok(line.endsWith(written(request.dur_ns)), `${line}: ${request.dur_ns}`);
    });
  }));

test("a comparison has the new side and the base", () => {
  const path = join(folder, "diff.speedscope.json");
  run("-q", "-o", path, "-r", "HashAndWriteHandler", "--vs-root", "WriteNoHashHandler", join(traces, "go1.26/server.trace"));
  return opened(path, async (tab) => {
    await shows(tab, "new, latency per request: HashAndWriteHandler · server.trace (1/2)");
    await tab.keyboard.press("n");
    await shows(tab, "base, latency per request: WriteNoHashHandler · server.trace (2/2)");
  });
});

// What docs/cli.md says of other files of ours: it is to be taken back when speedscope learns them.
test("a signed profile is not opened, and of two columns the first is taken for a part of the name", async () => {
  const args = ["-q", "-r", "HashAndWriteHandler", "--vs-root", "WriteNoHashHandler", join(traces, "go1.26/server.trace")];
  const tab = await (await launch()).newPage();
  const load = async (name) => {
    const path = join(folder, name);
    run("-o", path, ...args);
    await tab.goto(page);
    await tab.locator("input[type=file]").setInputFiles(path);
  };
  await load("diff.pb.gz");
  await shows(tab, "Something went wrong");
  await load("diff.folded");
  await tab.getByText("Left Heavy").waitFor();
  await tab.keyboard.press("3");
  assert.match(await shows(tab, "[running] "), /\[running\] \d+/);
  await tab.close();
});
