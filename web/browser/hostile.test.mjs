// Names that mean ill: no script of theirs runs, nothing of theirs becomes an element, and what would hide or turn text around is
// shown as what it is. Pages of names made up are written by the Rust test `page`; others are of recordings that are damaged or
// adversarial.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { close, launch, makePage, openPage, root } from "./harness.mjs";

after(close);

// What the page itself is made of.
const OWN = "A B BODY BUTTON CANVAS CODE DD DETAILS DIALOG DIV DL DT FOOTER FORM H1 H2 HEAD HEADER HTML INPUT KBD LABEL LI MAIN META NOSCRIPT OL P SCRIPT SECTION SPAN STYLE SUMMARY TABLE TBODY TD TH THEAD TITLE TR UL".split(" ");

// Of these only a few may stand in text: line ends of lists of stacks.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;

let used = null;

async function check(path) {
  // One tab for all: a new one for each takes longer than the page.
  used ??= await openPage(path);
  const { tab, problems, goTo } = used;
  await goTo(path);
  await tab.evaluate(() => document.querySelectorAll("summary").forEach((summary) => summary.click()));
  for (const key of ["n", "?", "Escape"]) await tab.keyboard.press(key);
  const seen = await tab.evaluate(() => ({
    ready: document.documentElement.dataset.ready,
    tags: [...new Set([...document.querySelectorAll("*")].map((element) => element.tagName))],
    scripts: document.scripts.length,
    handlers: [...document.querySelectorAll("*")].flatMap((e) => e.getAttributeNames()).filter((name) => /^on|^src$|^href$|^srcset$/i.test(name)),
    text: document.documentElement.textContent.replace(document.querySelector("style").textContent, "").replace(document.scripts[0].textContent, ""),
    labels: [...document.querySelectorAll("[aria-label],[title]")].map((e) => `${e.getAttribute("aria-label")} ${e.title}`).join("\n"),
  }));
  assert.match(seen.ready, /^\d+$/, path);
  assert.deepEqual(problems, [], path);
  assert.deepEqual([seen.tags.filter((tag) => !OWN.includes(tag)), seen.scripts, seen.handlers], [[], 1, []], path);
  assert.doesNotMatch(seen.text + seen.labels, HIDDEN, path);
  return seen.text;
}

test("names made up to break out", async () => {
  const folder = join(root, "target/tmp/page-hostile");
  const pages = readdirSync(folder).filter((name) => name.endsWith(".html"));
  assert.equal(pages.length, 6, "cargo test --test it -- page::");
  const texts = [];
  for (const page of pages) texts.push(await check(join(folder, page)));
  assert.match(texts[0], /<\/title><\/template><script>alert\(1\)<\/script>/, "the name is shown as it is");
  assert.match(texts[1], /a\\u\{202E\}b\\x1B\[31m<img/);
});

// One trace whose names mean ill, through the command: what the Rust test `hostile_formats` wrote.
const SHOWN = /main\.(<script>alert\(1\)<\/script>|pipe\|cell|\$\(touch|'; touch)/;
const written = join(root, "target/tmp/hostile-formats");

test("a trace of hostile names, as pages", async () => {
  for (const name of ["tasks", "goroutines", "compared"]) {
    const text = await check(join(written, `${name}.html`));
    // A comparison is called by what was asked for.
    if (name !== "compared") assert.match(text, SHOWN, name);
  }
});

// What a flame graph is made of.
const SVG = "a animate defs g linearGradient rect script stop style svg text title tspan".split(" ");

test("a trace of hostile names, as flame graphs", async () => {
  const tab = await (await (await launch()).newContext()).newPage();
  const problems = [];
  let own = "";
  tab.on("console", (message) => ["error", "warning"].includes(message.type()) && problems.push(message.text()));
  tab.on("pageerror", (error) => problems.push(String(error)));
  tab.on("dialog", (dialog) => (problems.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  tab.on("request", (request) => request.url() !== own && problems.push(`request: ${request.url().slice(0, 200)}`));
  for (const name of ["tasks", "goroutines", "compared"]) {
    own = pathToFileURL(join(written, `${name}.svg`)).href;
    await tab.goto(own);
    const frames = await tab.locator("#frames g, #frames a").count();
    assert.ok(frames > 3, `${name}: ${frames} frames`);
    // Zooming writes the names anew.
    for (let i = 0; i < Math.min(frames, 30); i++) await tab.locator("#frames g, #frames a").nth(i).dispatchEvent("click");
    const seen = await tab.evaluate(() => ({
      tags: [...new Set([...document.querySelectorAll("*")].map((element) => element.localName))],
      scripts: document.querySelectorAll("script").length,
      titles: [...document.querySelectorAll("title")].map((title) => title.textContent).join("\n"),
    }));
    assert.deepEqual([seen.tags.filter((tag) => !SVG.includes(tag)), seen.scripts], [[], 1], name);
    if (name !== "compared") assert.match(seen.titles, SHOWN, name);
    assert.doesNotMatch(seen.titles, HIDDEN, name);
    assert.deepEqual(problems, [], name);
  }
  await tab.context().close();
});

/** All traces below a folder. */
function tracesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .filter((name) => /\.(trace|out)$/.test(name))
    .map((name) => join(folder, name));
}

for (const [name, folder] of [
  ["damaged recordings", join(root, "testdata/corrupt")],
  ["the corpus", process.env.GOTRACE_SLICE_CORPUS ?? join(root, "../shared/corpus")],
  ["situations", process.env.GOTRACE_SLICE_CASES ?? join(root, "../shared/cases")],
]) {
  test(name, { skip: existsSync(folder) ? false : `no ${folder}` }, async () => {
    let pages = 0;
    for (const [i, trace] of tracesBelow(folder).entries()) {
      // Where no root matches, and where nothing can be read, there is no page.
      let page;
      try {
        page = makePage(`hostile-${i}`, "-r", ".", trace);
      } catch {
        continue;
      }
      if (readFileSync(page).length > 8_000_000) continue;
      await check(page);
      pages++;
    }
    assert.ok(pages > 0);
  });
}
