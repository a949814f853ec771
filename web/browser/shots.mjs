// Screenshots of pages, for people to look at: node browser/shots.mjs FOLDER PAGE.html...
import { chromium } from "playwright-core";
import { mkdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { executable } from "./chromium.mjs";

const [folder, ...pages] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({ executablePath: executable(), args: ["--no-sandbox"] });
const widths = (process.env.WIDTHS ?? "1280,1920,390").split(",").map(Number);
const themes = (process.env.THEMES ?? "light,dark").split(",");
for (const width of widths) {
  for (const colorScheme of themes) {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
    for (const page of pages) {
      const tab = await context.newPage();
      tab.on("console", (message) => console.log(`${page}: ${message.text()}`));
      tab.on("pageerror", (error) => console.log(`${page}: ${error}`));
      await tab.goto(pathToFileURL(resolve(page)).href + (process.env.HASH ?? ""));
      await tab.waitForSelector("html[data-ready]", { state: "attached" });
      await tab.waitForTimeout(150);
      await tab.screenshot({ path: join(folder, `${basename(page, ".html")}-${width}-${colorScheme}.png`), fullPage: true });
      await tab.close();
    }
    await context.close();
  }
}
await browser.close();
