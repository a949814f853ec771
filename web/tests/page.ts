// A small page for tests: three requests on two stacks, with another goroutine.

import type { ProfilePage } from "../src/data/page";

/** main.handle → sync.Lock [sync] and [running]; main.handle → [waiting for] → main.work [running]. */
export function small(): ProfilePage {
  const strings = ["", "main.handle", "sync.Lock", "main.work", "[waiting for]", "other goroutine", "/home/me/main.go", "exact"];
  return {
    schema: "gotrace-slice/page/1",
    tool: "0",
    kind: "profile",
    title: "t",
    asked: "handle",
    all_endpoints: false,
    complete: true,
    metric: "latency",
    traces: [],
    answer: "",
    next: null,
    facts: [],
    command: null,
    one_request: [],
    latency: null,
    requests: {
      trace: [0, 0, 1],
      goid: [1, 2, 3],
      start_ns: [0, 10, 5],
      dur_ns: [100, 50, 70],
      at_least_ns: [0, 0, 0],
      root: [1, 1, 1],
      flags: [0, 0, 0],
    },
    only: null,
    cut: null,
    undecided: { trace: [], goid: [], start_ns: [], dur_ns: [], likely: [], connection: [] },
    // 100 = 60 sync + 40 work; 50 = 50 running; 70 = 20 sync + 50 whose stacks were not kept, running.
    pieces: { count: [2, 1, 1], sample: [0, 2, 1, 0], ns: [60, 40, 50, 20] },
    more: { request: [2], state: [1], ns: [50] },
    waits: { count: [2, 0, 1], wakeup: [0, 1, 0], waits: [2, 1, 1], ns: [30, 7, 5], max_ns: [20, 7, 5] },
    collector: { trace: [], start_ns: [], dur_ns: [] },
    stopped: { trace: [], start_ns: [], dur_ns: [] },
    samples: {
      stack: [2, 1, 4],
      state: [0, 1, 1],
      detail: [0, 0, 0],
      precision: [7, 7, 7],
      root: [1, 1, 1],
      waited_in: [0, 0, 0],
      latency_ns: [80, 100, 40],
      goroutine_ns: [85, 100, 45],
      events: [2, 2, 1],
    },
    filter: null,
    exemplars: [],
    wakeups: [],
    findings: [],
    warnings: [],
    // 1 main.handle, 2 main.handle → sync.Lock, 3 main.handle → [waiting for], 4 … → main.work
    stacks: { parent: [0, 1, 1, 3], frame: [0, 1, 2, 3] },
    frames: {
      function: [1, 2, 4, 3],
      short: [1, 2, 4, 3],
      file: [6, 0, 5, 6],
      line: [7, 0, 0, 9],
      own: [1, 0, 0, 1],
      pseudo: [0, 0, 1, 0],
    },
    states: [
      { name: "sync", light: "#c0392b", dark: "#e5604f" },
      { name: "running", light: "#2e8b57", dark: "#3fae70" },
    ],
    strings,
  };
}
