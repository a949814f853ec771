// What a reader does with a page: brush, bands, search, keys, timeline, comparison; and that a link opens the same view.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { changedPage, close, json, makePage, openPage, traces } from "./harness.mjs";

let order, compare, goroutine, kinds, endpoints;
before(() => {
  const problems = join(traces, "go1.26/problems.trace");
  order = makePage("order", "-F", "-r", "(*server).Order", problems);
  kinds = makePage("kinds", "-r", "Handler|Starts", join(traces, "go1.26/kinds.trace"));
  endpoints = makePage("endpoints", problems);
  goroutine = makePage("goroutine", "-r", "main", "--metric", "goroutine", problems);
  compare = makePage("compare", "-r", "HashAndWriteHandler", "--vs-root", "WriteNoHashHandler", join(traces, "go1.26/server.trace"));
});
after(close);

// The address follows when the page is drawn.
const hash = (tab) =>
  tab.evaluate(async () => {
    for (let i = 0; i < 3; i++) await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    return decodeURIComponent(location.hash);
  });
const bar = (tab) => tab.locator(".selectionbar").innerText();

/** Whether anything is drawn on a canvas. */
const isDrawn = (locator) =>
  locator.evaluate((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.some((value, i) => i % 4 === 3 && value > 0);
  });

/** The rows of a table, once it is there: details are filled when they are open. */
async function rowsOf(tab, name) {
  const rows = tab.getByRole("region", { name, exact: true }).locator("tbody tr");
  await rows.first().waitFor();
  return rows.allInnerTexts();
}

async function opened(path, options, use) {
  const { tab, problems, close: closeTab } = await openPage(path, options);
  try {
    await use(tab);
    // Tests read canvases back; the page does not.
    assert.deepEqual(problems.filter((text) => !text.includes("willReadFrequently")), []);
  } finally {
    await closeTab();
  }
}

test("sections come in their order, and every drawing has something on it", () =>
  opened(order, {}, async (tab) => {
    const titles = await tab.locator("main h2").allInnerTexts();
    assert.deepEqual(titles, ["What stands out", "Requests over time", "States", "Flame graph", "One request", "Who ended the waits", "Read and selected"]);
    assert.match(await tab.locator("#verdict .answer").innerText(), /^main\.\(\*server\)\.Order: p50 /);
    for (const canvas of await tab.locator("canvas:not(.over)").all()) assert.ok(await isDrawn(canvas));
  }));

test("a brush selects, follows into all sections and the address, and Esc ends it", () =>
  opened(order, {}, async (tab) => {
    const plot = tab.locator(".plot .over");
    await plot.scrollIntoViewIfNeeded();
    const box = await plot.boundingBox();
    const drag = async (x0, y0, x1, y1) => {
      await tab.mouse.move(box.x + x0, box.y + y0);
      await tab.mouse.down();
      await tab.mouse.move(box.x + x1, box.y + y1, { steps: 4 });
      await tab.mouse.up();
    };
    await drag(box.width * 0.3, 40, box.width * 0.7, 200);
    assert.match(await bar(tab), /took .* – .*, started .* · \d+ of 72 requests/);
    assert.match(await hash(tab), /^#start=\d+\.\.\d+&took=\d+\.\.\d+$/);
    assert.equal(await tab.locator(".bandrow").count(), 5, "the selection has a row of its own");
    assert.match(await tab.locator("#flame .lead").first().innerText(), /^The selection/);
    await drag(box.width * 0.3, 100, box.width * 0.6, 104);
    assert.match(await hash(tab), /^#start=\d+\.\.\d+$/, "a flat brush is over times alone");
    const link = await tab.evaluate(() => location.hash);
    const before = await bar(tab);
    await opened(order, { hash: link }, async (other) => assert.equal(await bar(other), before));
    await tab.keyboard.press("Escape");
    assert.equal(await tab.locator(".selectionbar").count(), 0);
    assert.equal(await hash(tab), "");
  }));

test("the histogram, the fields and the bands select too", () =>
  opened(order, {}, async (tab) => {
    const box = await tab.locator(".histogram canvas").boundingBox();
    await tab.locator(".histogram canvas").scrollIntoViewIfNeeded();
    const at = await tab.locator(".histogram canvas").boundingBox();
    await tab.mouse.move(at.x + 20, at.y + 20);
    await tab.mouse.down();
    await tab.mouse.move(at.x + 20, at.y + box.height / 2);
    await tab.mouse.up();
    assert.match(await bar(tab), /took .* – /);
    await tab.locator(".bandrow").nth(2).click();
    assert.match(await bar(tab), /p95–100 · 4 of 72 requests/);
    assert.match(await hash(tab), /band=p95-100/);
    await tab.locator("input[name=minNs]").fill("20 ms");
    await tab.locator("input[name=maxNs]").fill("nonsense");
    await tab.locator(".fields button").click();
    assert.match(await tab.locator(".fields [role=alert]").innerText(), /no duration/);
    await tab.locator("input[name=maxNs]").fill("");
    await tab.locator(".fields button").click();
    assert.match(await bar(tab), /took at least 20\.0 ms/);
    assert.match(await hash(tab), /took=20000000\.\.$|took=20000000\.\.&/);
  }));

test("a click on a dot picks its request", () =>
  opened(order, {}, async (tab) => {
    const place = await tab.evaluate(() => {
      const { requests } = gotraceSlice.page;
      const i = requests.dur_ns.indexOf(Math.min(...requests.dur_ns));
      const most = Math.max(...requests.start_ns.map((start, r) => start + requests.dur_ns[r]));
      return { i, x: requests.start_ns[i] / most };
    });
    const plot = tab.locator(".plot .over");
    await plot.scrollIntoViewIfNeeded();
    const box = await plot.boundingBox();
    // The fastest is at the bottom of the drawing.
    for (let y = box.height - 36; y > box.height - 90; y -= 6) {
      await tab.mouse.click(box.x + 66 + place.x * (box.width - 80), box.y + y);
      if ((await hash(tab)).includes(`request=${place.i}`)) return;
    }
    assert.fail(`request ${place.i} was not picked: ${await hash(tab)}`);
  }));

test("search, zoom and the other flame graphs", () =>
  opened(order, {}, async (tab) => {
    await tab.keyboard.press("/");
    await tab.keyboard.type("queryDC");
    assert.match(await tab.locator(".matched").innerText(), /^\d+\.\d% matched/);
    await tab.keyboard.press("Escape");
    assert.equal(await tab.locator(".matched").count(), 0);
    const flame = tab.locator(".flamescroll");
    await flame.focus();
    for (const key of ["ArrowDown", "s", "s", "ArrowUp", "Enter"]) await tab.keyboard.press(key);
    assert.match(await hash(tab), /zoom=\d+\.\d+$/);
    const said = await tab.locator("#flame .said").innerText();
    assert.match(said, /ServeHTTP · server\.go:\d+ · /);
    await tab.keyboard.press("Escape");
    assert.doesNotMatch(await hash(tab), /zoom/);
    for (const name of ["own", "leaf first", "goroutine time"]) {
      await tab.getByRole("button", { name, exact: true }).click();
      assert.ok(await isDrawn(tab.locator(".flamescroll canvas")), name);
    }
    assert.match(await hash(tab), /metric=goroutine&stacks=own&order=leaf-first/);
  }));

test("the request that is shown, and who ended the waits, are of the selection", () =>
  opened(order, {}, async (tab) => {
    const rows = async () => (await tab.locator("#wakers tbody tr").allInnerTexts()).map((row) => row.split("\t"));
    const all = await rows();
    const shown = () => tab.evaluate(() => Number(/goroutine (\d+)/.exec(document.querySelector("#timeline .answer").innerText)[1]));
    const goids = (wanted) => tab.evaluate((band) => gotraceSlice.page.requests.goid.filter((_, i) => gotraceSlice.bands[i] === band), wanted);
    await tab.locator(".bandrow").nth(0).click();
    const fast = await goids(0);
    for (let i = 0; i < 4; i++, await tab.keyboard.press("n")) assert.ok(fast.includes(await shown()), `goroutine ${await shown()} is not of ${fast}`);
    const ofFast = await rows();
    const heads = await tab.locator("#wakers th").allInnerTexts();
    assert.deepEqual(heads.slice(0, 4), ["time", "a request", "of the rest", "waits"]);
    assert.notDeepEqual(ofFast.map((row) => row[0]), all.map((row) => row[0]));
    // Slow requests wait longer for a connection than the rest, fast ones not as long.
    const ms = (text) => Number.parseFloat(text) / (text.endsWith("µs") ? 1000 : 1);
    const pool = (list) => list.find((row) => row.join().includes("sql.(*DB).conn")).slice(1, 3).map(ms);
    const [fastMs, othersMs] = pool(ofFast);
    assert.ok(fastMs * 2 < othersMs, JSON.stringify(ofFast));
    await tab.locator(".bandrow").nth(2).click();
    assert.ok((await goids(2)).includes(await shown()), "what was picked is dropped where others are selected");
    const [slowMs, restMs] = pool(await rows());
    assert.ok(slowMs > restMs * 2, `${slowMs} ms, and the rest ${restMs} ms`);
    assert.match(await tab.locator("#findings .lead").innerText(), /all requests/);
    await tab.locator("input[name=minNs]").fill("100 s");
    await tab.locator(".fields button").click();
    assert.match(await tab.locator("#timeline .lead").innerText(), /No request is selected/);
    assert.match(await tab.locator("#wakers .lead").innerText(), /The selection has none/);
  }));

test("a request beside the selection says so", () =>
  opened(order, { hash: "#band=p0-50&request=0" }, async (tab) => {
    const isInside = await tab.evaluate(() => gotraceSlice.bands[0] === 0);
    assert.equal(await tab.locator("#timeline .note").count(), isInside ? 0 : 1);
    await opened(order, { hash: `#band=${isInside ? "p95-100" : "p0-50"}&request=0` }, async (other) => assert.equal(await other.locator("#timeline .note").count(), 1));
  }));

test("the selection is held against the rest", () =>
  opened(order, { hash: "#band=p95-100" }, async (tab) => {
    await tab.getByRole("button", { name: "against the rest" }).click();
    assert.match(await tab.locator("#flame .said").innerText(), /the rest .* a request, \+/);
    await tab.getByText("Table of functions").click();
    await tab.locator("#flame th", { hasText: "against the rest" }).waitFor();
  }));

test("n and p go through the requests with goroutines; the timeline zooms, and says what is under the pointer", () =>
  opened(kinds, {}, async (tab) => {
    const first = await tab.locator("#timeline .answer").innerText();
    await tab.keyboard.press("n");
    assert.notEqual(await tab.locator("#timeline .answer").innerText(), first);
    await tab.keyboard.press("p");
    assert.equal(await tab.locator("#timeline .answer").innerText(), first);
    const lanes = tab.locator(".lanes");
    await lanes.focus();
    for (const key of ["w", "w", "d", "a", "s"]) await tab.keyboard.press(key);
    assert.match(await tab.locator("#timeline .said").innerText(), / – .* of /);
    await tab.locator(".lanecanvas canvas").hover({ position: { x: 200, y: 34 } });
    assert.match(await tab.locator("#timeline .said").innerText(), /goroutine \d+ .*\(from /);
    await tab.getByText("Table of its critical path").click();
    await tab.locator("#timeline tbody").waitFor();
    assert.ok((await tab.locator("#timeline tbody tr").count()) > 3);
  }));

test("hand-overs say who ended which wait on which stack: in the table, and where the pointer is", () =>
  opened(order, {}, async (tab) => {
    await tab.getByText("Table of hand-overs").click();
    const table = tab.getByRole("region", { name: "Hand-overs of this request" });
    await table.locator("tbody tr").first().waitFor();
    const rows = (await table.locator("tbody tr").allInnerTexts()).map((row) => row.split("\t"));
    const waits = rows.filter((row) => row[3] !== "created");
    assert.ok(waits.length > 0 && waits.every((row) => row[4].trim() !== ""), JSON.stringify(rows));
    // It waits for a connection of the pool, which another request returns.
    assert.ok(waits.some((row) => row[3] === "select" && /main\.\(\*server\)\.Order .*sql\.\(\*DB\)\.conn → runtime\.selectgo$/.test(row[4])), JSON.stringify(waits[0]));
    const { at, dur } = await tab.evaluate(() => {
      const { request, hand_overs } = gotraceSlice.page.exemplars[0];
      return { at: hand_overs.at_ns[hand_overs.state.findIndex((state) => state >= 0)], dur: gotraceSlice.page.requests.dur_ns[request] };
    });
    const canvas = tab.locator(".lanecanvas canvas");
    const { width } = await canvas.boundingBox();
    await canvas.hover({ position: { x: Math.min(width - 1, (at / dur) * width), y: 34 } });
    assert.match(await tab.locator("#timeline .said").innerText(), /goroutine \d+ .* ends the wait of goroutine \d+ .* · .* in .*→/);
  }));

test("the command for a request gives that request", () =>
  opened(order, {}, async (tab) => {
    const asked = await tab.evaluate(() => {
      const { requests } = gotraceSlice.page;
      const others = [...requests.goid.keys()].filter((i) => !gotraceSlice.commandFor(i).includes("--slowest"));
      return [gotraceSlice.page.exemplars[0].request, others[0]].map((i) => ({ command: gotraceSlice.commandFor(i), dur: requests.dur_ns[i], goid: requests.goid[i] }));
    });
    for (const { command, dur, goid } of asked) {
      const words = command.match(/'[^']*'|\S+/g).map((word) => word.replace(/^'|'$/g, "")).slice(1);
      const report = json(...words);
      assert.deepEqual(report.requests.map((request) => [request.dur_ns, request.goid]), [[dur, goid]], command);
    }
  }));

test("several traces are told apart, and one of them can be looked at", async () => {
  const both = makePage("both", "-F", "-r", "(*server).Order", join(traces, "go1.26/problems.trace"), join(traces, "go1.25/problems.trace"));
  await opened(both, {}, async (tab) => {
    const choice = tab.getByRole("group", { name: "Trace" });
    assert.deepEqual(await choice.getByRole("button").allInnerTexts(), ["all traces", "go1.26/problems.trace", "go1.25/problems.trace"]);
    await choice.getByRole("button").nth(2).click();
    assert.match(await tab.locator(".bandrow").last().innerText(), /all\s+72 requests/);
    assert.match(await hash(tab), /^#trace=1$/);
  });
});

test("? shows the keys", () =>
  opened(order, {}, async (tab) => {
    await tab.keyboard.press("?");
    assert.ok(await tab.locator("dialog").isVisible());
    await tab.keyboard.press("Escape");
    assert.ok(!(await tab.locator("dialog").isVisible()));
    await tab.locator(".keysbutton").click();
    assert.ok(await tab.locator("dialog").isVisible());
  }));

test("a comparison: verdict, quantiles, waterfall that adds up, flame graph, stacks", () =>
  opened(compare, {}, async (tab) => {
    assert.match(await tab.locator("#verdict .answer").innerText(), /^Slower: the mean by /);
    const titles = await tab.locator("main h2").allInnerTexts();
    assert.deepEqual(titles, ["Latencies", "What explains the change", "Differential flame graph", "Stacks that changed", "Read and selected"]);
    for (const canvas of await tab.locator("canvas").all()) assert.ok(await isDrawn(canvas));
    await tab.getByText("Table of states").click();
    await tab.locator("#waterfall table").waitFor();
    assert.match(await tab.locator("#waterfall table").innerText(), /total/);
    await tab.keyboard.press("/");
    await tab.keyboard.type("Fsync");
    assert.match(await tab.locator(".matched").innerText(), /% matched, \+/);
  }));

test("without requests there are states, a flame graph, and what was read", () =>
  opened(goroutine, {}, async (tab) => {
    assert.deepEqual(await tab.locator("main h2").allInnerTexts(), ["States", "Flame graph", "Read and selected"]);
    assert.ok(await isDrawn(tab.locator(".flamescroll canvas")));
  }));

test("a comparison has keys, links, and the command that makes it again", () =>
  opened(compare, {}, async (tab) => {
    await tab.keyboard.press("?");
    assert.match(await tab.locator("dialog").innerText(), /search the flame graph/);
    await tab.keyboard.press("Escape");
    await tab.keyboard.press("/");
    await tab.keyboard.type("Fsync");
    await tab.getByRole("button", { name: "leaf first" }).click();
    const link = await hash(tab);
    assert.equal(link, "#search=Fsync&order=leaf-first");
    const matched = await tab.locator(".matched").innerText();
    await opened(compare, { hash: link }, async (other) => {
      assert.equal(await other.locator(".matched").innerText(), matched);
      await other.evaluate(() => (location.hash = "#search=write"));
      assert.equal(await other.locator("input[type=search]").inputValue(), "write");
      assert.equal(await other.getByRole("button", { name: "root first" }).getAttribute("aria-pressed"), "true");
    });
    const recorded = tab.locator("#recorded");
    assert.match(await recorded.innerText(), /base\s.*server\.trace · \d+ requests of 'WriteNoHashHandler'/);
    const command = await recorded.locator(".command code").innerText();
    const words = command.match(/'[^']*'|\S+/g).map((word) => word.replace(/^'|'$/g, "")).slice(1);
    const again = makePage("again", ...words.filter((word, i) => word !== "-o" && words[i - 1] !== "-o"));
    await opened(again, {}, async (other) => assert.equal(await other.locator("#verdict").innerText(), await tab.locator("#verdict").innerText()));
  }));

test("without requests there is an answer too", () =>
  opened(goroutine, {}, async (tab) => {
    const report = json("-r", "main", "--metric", "goroutine", join(traces, "go1.26/problems.trace"));
    const answer = await tab.locator("#verdict .answer").innerText();
    assert.match(answer, /^main: 1\.33 s of goroutine time in 82 goroutines of 100 roots\. 66\.6% is \[select\], 29\.8% \[network\], .* most, 53\.0%, is \[select\] in main\.\(\*server\)\.Order .*\(main\.go:93\), 68 times\.$/);
    assert.equal(report.states[0].state, "select");
  }));

test("where no request is whole there are the cut ones, and the time of goroutines", () =>
  opened(makePage("none", "-F", "-r", "(*server).Order", "--time", "100ms-103ms", join(traces, "go1.26/problems.trace")), {}, async (tab) => {
    assert.match(await tab.locator("#verdict").innerText(), /no request begins and ends[^]*8 requests cut by an edge/);
    assert.match(await tab.locator("#states").innerText(), /time of all goroutines[^]*ms/);
    assert.match(await tab.locator("#flame").innerText(), /everything · \d.* ms, 100\.0%/);
    assert.equal(await tab.locator("#timeline").count(), 0);
  }));

test("endpoints are in a table, and a click selects one", () =>
  opened(endpoints, {}, async (tab) => {
    const rows = (await tab.locator("#endpoints tbody tr").allInnerTexts()).map((row) => row.split("\t"));
    assert.deepEqual(rows.map((row) => row.slice(0, 2)).sort(), [["main.(*server).Order", "72"], ["main.(*server).Page", "12"], ["main.(*server).Price", "4"], ["main.(*server).Save", "12"]]);
    const report = json("-F", "-r", "(*server).Page", join(traces, "go1.26/problems.trace"));
    const of = (ns) => tab.evaluate((n) => n, ns).then((n) => `${(n / 1e6).toPrecision(3)} ms`);
    const page = rows.find((row) => row[0].endsWith("Page"));
    assert.deepEqual(page.slice(2, 4), [await of(report.latency.p50_ns), await of(report.latency.p95_ns)]);
    await tab.getByRole("button", { name: "main.(*server).Save" }).click();
    assert.match(await bar(tab), /main\.\(\*server\)\.Save · 12 of 100 requests/);
    const link = await hash(tab);
    assert.match(link, /^#endpoint=\d+$/);
    assert.match(await tab.locator("#timeline .answer").innerText(), /Save/);
    await opened(endpoints, { hash: link }, async (other) => assert.equal(await other.locator(".bandrow").last().innerText(), await tab.locator(".bandrow").last().innerText()));
    await tab.keyboard.press("Escape");
    assert.equal(await tab.locator(".selectionbar").count(), 0);
  }));

test("a link opens the timeline as it is: zoomed, and unfolded", () => {
  const crowded = changedPage("crowded", order, (data) => {
    // Twenty goroutines alike, of which the last eight run and the others have ended; and hand-overs by the hundred.
    const [exemplar] = data.exemplars;
    const [own] = exemplar.lanes;
    const end = data.requests.dur_ns[exemplar.request];
    const running = data.states.findIndex((state) => state.name === "running");
    const alike = (i) => ({ ...own, goid: 1000 + i, parent: 0, path_ns: 0, start_ns: i < 12 ? [] : [0], dur_ns: i < 12 ? [] : [end], state: i < 12 ? [] : [running], stack: i < 12 ? [] : [0] });
    exemplar.lanes = [own, { ...own, goid: 7, parent: 0, path_ns: 1 }, ...Array.from({ length: 20 }, (_, i) => alike(i))];
    exemplar.path = { start_ns: [0], dur_ns: [end], lane: [0], goid: [own.goid], state: [running], stack: [0] };
    const columns = { at_ns: [], from: [], from_goid: [], to: [], to_goid: [], state: [], stack: [] };
    for (let i = 0; i < 400; i++) {
      const row = { at_ns: Math.floor((end * (i + 1)) / 401), from: i % 2, from_goid: 1, to: 1 - (i % 2), to_goid: 2, state: running, stack: 0 };
      for (const [column, value] of Object.entries(row)) columns[column].push(value);
    }
    for (const [column, value] of Object.entries({ at_ns: end, from: 3, from_goid: 1001, to: 4, to_goid: 1002, state: running, stack: 0 })) columns[column].push(value);
    exemplar.hand_overs = columns;
  });
  return opened(crowded, {}, async (tab) => {
    const canvas = tab.locator(".lanecanvas canvas");
    const painted = (x, y, width, height) => canvas.evaluate((element, at) => {
      const scale = devicePixelRatio;
      const { data } = element.getContext("2d").getImageData(...at.map((value) => Math.round(value * scale)));
      return data.reduce((n, value, i) => n + (i % 4 === 3 && value > 0 ? 1 : 0), 0);
    }, [x, y, width, height]);
    const { width } = await canvas.boundingBox();
    assert.equal(await tab.locator(".lanenames li").count(), 3, "the twenty are one row");
    assert.ok((await painted(width * 0.4, 24 + 2 * 26 + 5, 20, 12)) > 0, "goroutines behind the twelfth are drawn on the folded row");
    assert.ok((await painted(20, 24 + 26 + 14, width - 40, 10)) > 500, "a density of hand-overs");
    assert.match(await tab.locator("#timeline").innerText(), /401 hand-overs are drawn as a density: zoom in/);
    assert.match(await tab.locator("#timeline").innerText(), /1 hand-over without an arrow: .* Unfold/);
    await tab.locator(".fold").click();
    assert.equal(await tab.locator(".lanenames li").count(), 22);
    assert.doesNotMatch(await tab.locator("#timeline").innerText(), /without an arrow/);
    await tab.locator(".lanes").focus();
    for (const key of ["w", "w", "d"]) await tab.keyboard.press(key);
    await tab.waitForTimeout(250);
    const link = await hash(tab);
    assert.match(link, /^#request=\d+&time=\d+\.\.\d+&unfolded=0\.inside\.\d+\.\d+$/);
    assert.doesNotMatch(await tab.locator("#timeline").innerText(), /density/, "few are in sight");
    const said = await tab.locator("#timeline .said").innerText();
    await opened(crowded, { hash: link.replaceAll(" ", "+") }, async (other) => {
      assert.equal(await other.locator("#timeline .said").innerText(), said);
      assert.equal(await other.locator(".lanenames li").count(), 22);
      await other.keyboard.press("n");
      assert.doesNotMatch(await hash(other), /time=|unfolded=/, "another request is shown whole");
    });
  });
});

test("what is drawn on lanes, bands and the histogram is in tables", () =>
  opened(kinds, {}, async (tab) => {
    await tab.getByText("Table of the histogram").click();
    const bins = await rowsOf(tab, "Requests by duration");
    const sum = bins.reduce((n, row) => n + Number(row.split("\t")[2]), 0);
    assert.equal(sum, await tab.evaluate(() => gotraceSlice.page.requests.dur_ns.length));
    for (const title of ["Table of its goroutines", "Table of what they did"]) await tab.getByText(title).click();
    const { lanes, pieces } = await tab.evaluate(() => {
      const [{ lanes }] = gotraceSlice.page.exemplars;
      return { lanes: lanes.length, pieces: lanes.reduce((sum, lane) => sum + lane.start_ns.length, 0) };
    });
    const count = async (name) => (await rowsOf(tab, name)).length;
    assert.deepEqual([await count("Goroutines of this request"), await count("States of all goroutines of this request")], [lanes, pieces]);
    await opened(order, {}, async (other) => {
      await other.locator("#requests").getByText("Table of the collector and stopped worlds").click();
      const n = await other.evaluate(() => gotraceSlice.page.collector.start_ns.length + gotraceSlice.page.stopped.start_ns.length);
      assert.ok(n > 0);
      assert.equal((await rowsOf(other, "Collector and stopped world")).length, n);
    });
  }));

test("nothing is wider than the window, on wide and narrow ones", async () => {
  for (const width of [390, 768, 1280, 1920]) {
    for (const page of [order, kinds, compare, goroutine, endpoints]) {
      await opened(page, { viewport: { width, height: 900 } }, async (tab) => {
        const [wide, inside] = await tab.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
        assert.ok(wide <= inside, `${page} at ${width}: ${wide}`);
      });
    }
  }
});

test("without scripts the answer is there to read", async () => {
  const { launch } = await import("./harness.mjs");
  const { pathToFileURL } = await import("node:url");
  const context = await (await launch()).newContext({ javaScriptEnabled: false });
  const tab = await context.newPage();
  await tab.goto(pathToFileURL(order).href);
  assert.match(await tab.locator("body").innerText(), /^main\.\(\*server\)\.Order: p50 .*\n\nThis page draws with a script/s);
  await context.close();
});

test("stacks of goroutines beside the critical path are said", () =>
  opened(order, {}, async (tab) => {
    const canvas = tab.locator(".lanecanvas canvas");
    await canvas.scrollIntoViewIfNeeded();
    const { width, height } = await canvas.boundingBox();
    const off = [];
    for (let y = 34; y < height; y += 20) {
      for (let x = 40; x < width && off.length === 0; x += 60) {
        await canvas.hover({ position: { x, y } });
        const said = await tab.locator("#timeline .said").innerText();
        const code = await tab.locator("#timeline .said code").count();
        if (code > 0 && said.includes("(from ") && !said.includes("critical path")) off.push(said);
      }
    }
    assert.match(off[0] ?? "none", /goroutine \d+ .*\(from .*: .+ → /);
  }));

test("undecided requests are in a table, with their connections", () =>
  opened(order, {}, async (tab) => {
    await tab.getByText("Table of these requests").click();
    const table = tab.getByRole("region", { name: "Undecided requests" });
    await table.locator("tbody tr").first().waitFor();
    const rows = await table.locator("tbody tr").allInnerTexts();
    const { undecided } = await tab.evaluate(() => gotraceSlice.page);
    assert.equal(rows.length, undecided.goid.length);
    assert.ok(rows.length > 0 && undecided.connection.every((goid) => goid > 0), JSON.stringify(undecided));
    assert.ok(rows.every((row) => undecided.connection.some((goid) => row.split("\t").includes(String(goid)))), rows[0]);
  }));

for (const colorScheme of ["light", "dark"]) {
  test(`a ${colorScheme} page is printed on light paper, as wide as that`, () =>
    opened(order, { colorScheme }, async (tab) => {
      await tab.emulateMedia({ media: "print" });
      const { paper, overflow, buttons, over, state } = await tab.evaluate(async () => {
        dispatchEvent(new Event("beforeprint"));
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
        const seen = (element) => element.checkVisibility() && !element.closest("p, li, td");
        return {
          paper: getComputedStyle(document.body).backgroundColor,
          overflow: Math.max(...[...document.querySelectorAll("canvas")].map((canvas) => canvas.getBoundingClientRect().right)) > 702,
          // What lies above the dots would hide them on paper.
          over: document.querySelector(".plot .over").checkVisibility(),
          state: getComputedStyle(document.documentElement).getPropertyValue("--state-0") === gotraceSlice.page.states[0].light,
          buttons: [...document.querySelectorAll(".controls, .fields, .keysbutton, .copy, .selectionbar button, .steps")].filter(seen).length,
        };
      });
      assert.deepEqual({ paper, overflow, buttons, over, state }, { paper: "rgb(255, 255, 255)", overflow: false, buttons: 0, over: false, state: true });
      for (const canvas of await tab.locator("canvas:not(.over)").all()) assert.ok(await isDrawn(canvas));
      const pdf = await tab.pdf({ format: "A4" });
      const pages = pdf.toString("latin1").match(/\/Type\s*\/Page\b/g)?.length ?? 0;
      assert.ok(pages > 0 && pages < 12, `${pages} pages`);
    }));
}
