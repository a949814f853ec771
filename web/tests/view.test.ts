import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeByTable } from "../src/data/open";
import { logTicks, placeOf, ticks } from "../src/core/scale";
import { changeColor, css, textOn, FASTER, SLOWER } from "../src/core/change";
import { fromHash, START, toHash, type View } from "../src/core/view";

test("a view comes back from its address", () => {
  const views: View[] = [
    START,
    { ...START, selection: { kind: "band", band: "p95-100" }, picked: 7, zoom: [3, -2] },
    {
      ...START,
      selection: { kind: "brush", fromNs: 1, toNs: undefined, minNs: undefined, maxNs: 9 },
      trace: 0,
      endpoint: 3,
      window: [5, 900],
      unfolded: ["0.inside.12.0", "-.outside.3.4"],
      search: "(*T).M & [sync]",
      metric: "goroutine",
      own: true,
      leafFirst: true,
      differential: true,
    },
  ];
  for (const view of views) assert.deepEqual(fromHash(`#${toHash(view)}`), view);
  assert.equal(toHash(START), "");
});

test("an address that makes no sense is the start", () => {
  for (const hash of ["#", "#band=p1-2", "#start=a..b", "#request=-1", "#request=1e9", "#zoom=x.y", "#trace=99999999999", "#time=9..5", "#time=x", "#unfolded=<b>", "#%%%"]) {
    assert.deepEqual(fromHash(hash), START, hash);
  }
});

test("base64 without the browser's own", () => {
  for (let length = 0; length < 70; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 37 + length) % 256);
    assert.deepEqual(decodeByTable(Buffer.from(bytes).toString("base64")), bytes);
  }
});

test("marks of axes are round and few", () => {
  assert.deepEqual(logTicks(1e6, 9e6, 9), [1e6, 2e6, 5e6]);
  assert.deepEqual(logTicks(2.1e6, 4.9e6, 9), [3e6, 4e6]);
  assert.deepEqual(logTicks(15.2e6, 16.1e6, 9), [15.2e6, 15.4e6, 15.6e6, 15.8e6, 16e6]);
  assert.ok(logTicks(1, 1e12, 6).length <= 7);
  assert.ok([logTicks(2.2, 2.3, 5), logTicks(7, 7000, 2)].every((marks) => marks.length <= 5));
  assert.deepEqual(ticks(0, 216e6, 4), [0, 100e6, 200e6]);
  const place = placeOf({ left: 10, top: 5, width: 100, height: 50 }, [0, 1000], [1e3, 1e6]);
  assert.deepEqual([place.x(500), Math.round(place.y(1e6)), Math.round(place.y(1e3))], [60, 5, 55]);
  assert.deepEqual([Math.round(place.timeAt(60)), Math.round(place.durationAt(5)), place.timeAt(-5)], [500, 1e6, 0]);
});

test("changes are red or blue, and text on them can be read", () => {
  assert.equal(css(changeColor(0, 5)), css(SLOWER));
  assert.equal(css(changeColor(5, 0)), css(FASTER));
  assert.equal(css(changeColor(7, 7)), css(changeColor(0, 0)));
  assert.deepEqual([textOn({ r: 255, g: 255, b: 255 }), textOn({ r: 0, g: 0, b: 60 })], ["#000000", "#ffffff"]);
});
