// What the browser tests share: the command, pages made with it, and Chromium.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import { executable } from "./chromium.mjs";

export const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const command = process.env.GOTRACE_SLICE_BIN ?? join(root, "target/debug/gotrace-slice");
export const traces = join(root, "testdata/traces");
export const folder = mkdtempSync(join(tmpdir(), "gotrace-slice-page-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** Runs the command; gives its standard output. */
export function run(...args) {
  return execFileSync(command, args, { cwd: root, maxBuffer: 1 << 30, stdio: ["ignore", "pipe", "ignore"] }).toString();
}

/** Makes a page; gives its path. */
export function makePage(name, ...args) {
  const path = join(folder, `${name}.html`);
  run("-q", "-o", path, ...args);
  return path;
}

const DATA = /<template id="data">([^<]*)<\/template>/;

/** A page with other data: `change` gets those of `path`, and may change them. Gives its path. */
export function changedPage(name, path, change) {
  const page = readFileSync(path, "utf8");
  const data = JSON.parse(gunzipSync(Buffer.from(DATA.exec(page)[1], "base64")).toString());
  change(data);
  const base64 = gzipSync(JSON.stringify(data)).toString("base64");
  const changed = join(folder, `${name}.html`);
  writeFileSync(changed, page.replace(DATA, () => `<template id="data">${base64}</template>`));
  return changed;
}

export const json = (...args) => JSON.parse(run("-q", "-f", "json", ...args));

let browser;
export async function launch() {
  browser ??= await chromium.launch({ executablePath: executable(), args: ["--no-sandbox"] });
  return browser;
}
export const close = () => browser?.close();

/**
 * Opens a page from disk, and waits until it shows its data. What goes wrong in it, and every request but for the file
 * itself, is in `problems`.
 */
export async function openPage(path, options = {}) {
  const { hash = "", ...context } = options;
  const tab = await (await (await launch()).newContext({ viewport: { width: 1280, height: 900 }, ...context })).newPage();
  const problems = [];
  let own = "";
  tab.on("console", (message) => ["error", "warning"].includes(message.type()) && problems.push(message.text()));
  tab.on("pageerror", (error) => problems.push(String(error)));
  tab.on("dialog", (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  tab.on("request", (request) => request.url().split("#")[0] !== own && problems.push(`request: ${request.url().slice(0, 200)}`));
  const goTo = async (other) => {
    own = pathToFileURL(other).href;
    await tab.goto(own + hash);
    await tab.waitForSelector("html[data-ready]", { state: "attached" });
  };
  await goTo(path);
  return { tab, problems, goTo, close: () => tab.context().close() };
}
