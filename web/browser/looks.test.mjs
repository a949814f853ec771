// What pages look like, as thumbnails of few pixels, so that fonts and versions of Chromium do not matter: a section that is gone, a
// drawing that is empty, colours that are wrong. LOOKS=bless writes them anew; look at them then.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { close, launch, makePage, openPage } from "./harness.mjs";

after(close);

const folder = join(dirname(fileURLToPath(import.meta.url)), "looks");
/** The font that the thumbnails were made with: with another one lines break elsewhere. */
const FONT = "DejaVu Sans";
const font = (() => {
  try {
    return execFileSync("fc-match", ["system-ui"]).toString();
  } catch {
    return "";
  }
})();
const skip = font.includes(FONT) ? false : `system-ui is not ${FONT}`;

/** Pixels of the page that become one. */
const CELL = 32;
/** How far cells may be off on average, of 255; and how many of them may be far off. */
const MEAN = 6;
const FAR = 48;
const FEW = 0.03;

const PAGES = {
  order: ["-F", "-r", "(*server).Order", "testdata/traces/go1.26/problems.trace"],
  compare: ["-r", "HashAndWriteHandler", "--vs-root", "WriteNoHashHandler", "testdata/traces/go1.26/server.trace"],
};

/** A picture, made small; as a data URL. */
const small = async ([picture, cell]) => {
  const bitmap = await createImageBitmap(await (await fetch(picture)).blob());
  const canvas = new OffscreenCanvas(Math.round(bitmap.width / cell), Math.round(bitmap.height / cell));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const bytes = new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer());
  return btoa(String.fromCharCode(...bytes));
};

/** How two pictures differ: on average, and the part of pixels that are far off. */
const difference = async ([a, b, far]) => {
  const pixels = async (url) => {
    const bitmap = await createImageBitmap(await (await fetch(url)).blob());
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    context.drawImage(bitmap, 0, 0);
    return context.getImageData(0, 0, bitmap.width, bitmap.height);
  };
  const [one, other] = await Promise.all([pixels(a), pixels(b)]);
  // Text wraps otherwise where fonts differ: what is below moves a little.
  if (one.width !== other.width || Math.abs(one.height - other.height) > 4) return `${one.width}×${one.height}, not ${other.width}×${other.height}`;
  let [sum, off, n] = [0, 0, 0];
  for (let i = 0; i < Math.min(one.data.length, other.data.length); i++) {
    if (i % 4 === 3) continue;
    const by = Math.abs(one.data[i] - other.data[i]);
    sum += by;
    off += by > far ? 1 : 0;
    n++;
  }
  return { mean: sum / n, off: off / n };
};

for (const [name, asked] of Object.entries(PAGES)) {
  for (const colorScheme of ["light", "dark"]) {
    test(`${name}, ${colorScheme}`, { skip }, async () => {
      const { tab, close: closeTab } = await openPage(makePage(`look-${name}`, ...asked), { colorScheme });
      await tab.waitForTimeout(200);
      const url = (bytes) => `data:image/png;base64,${bytes}`;
      const shot = url((await tab.screenshot({ fullPage: true })).toString("base64"));
      await closeTab();
      const empty = await (await (await launch()).newContext()).newPage();
      const thumbnail = await empty.evaluate(small, [shot, CELL]);
      const path = join(folder, `${name}-${colorScheme}.png`);
      if (process.env.LOOKS === "bless") writeFileSync(path, Buffer.from(thumbnail, "base64"));
      const known = url(readFileSync(path).toString("base64"));
      const found = await empty.evaluate(difference, [known, url(thumbnail), FAR]);
      await empty.context().close();
      assert.equal(typeof found, "object", `${path}: ${found}`);
      assert.ok(found.mean <= MEAN && found.off <= FEW, `${path}: ${JSON.stringify(found)}; LOOKS=bless after looking at it`);
    });
  }
}
