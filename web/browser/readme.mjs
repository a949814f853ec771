// Makes the picture of the README: node browser/readme.mjs. The slowest 5 % of a recording of the repository are selected.
import { join } from "node:path";
import { close, makePage, openPage, root } from "./harness.mjs";

const page = makePage("readme", "-F", "-r", "(*server).Order", "testdata/traces/go1.26/problems.trace");
const { tab } = await openPage(page, { viewport: { width: 1100, height: 1180 }, hash: "#band=p95-100" });
await tab.waitForTimeout(300);
const states = await tab.locator("#states .legend").boundingBox();
await tab.screenshot({ path: join(root, "docs/page.png"), clip: { x: 0, y: 0, width: 1100, height: Math.ceil(states.y + states.height + 12) }, fullPage: true });
await close();
