// A profile's page with what is worked out once, when it is opened.

import type { Exemplar, ProfilePage } from "../data/page";
import { BANDS, bandOf, chooser, chosen } from "./selection";
import { Stacks } from "./stacks";
import { dominantStates, piecesOf, sumsByClass, together, type Pieces, type Sums } from "./sums";
import { matchedValue, matcher, matches } from "./search";
import { boxStates, boxValues, buildTree, type Tree, type TreeRows } from "./tree";
import type { View } from "./view";
import { waitsOf, type WaitSum } from "./waits";

/** The requests that a view selects, and all others of the same trace. */
export interface Chosen {
  /** For each request, 1 where it is selected and 0 where it is one of the rest; 2 where it is of no trace that is shown. */
  mask: Uint8Array;
  /** Of each band, all requests that are shown. */
  bands: Sums[];
  selected: Sums;
  rest: Sums;
  /** Selected and rest. */
  all: Sums;
  /** Whether anything is left out. */
  isPart: boolean;
}

export interface FlameTree {
  tree: Tree;
  /** Of each box, the state with most of its time over all requests. */
  states: Int16Array;
}

export class Model {
  readonly page: ProfilePage;
  readonly stacks: Stacks;
  readonly pieces: Pieces | null;
  readonly bands: Uint8Array;
  /** State with most of each request's time. */
  readonly dominant: Int16Array;
  /** Rows that boxes are made of: samples, then states whose stacks were not kept. */
  readonly rows: TreeRows;
  /** From which row to which there is what a filter left out. */
  private readonly leftOut: [number, number];
  private readonly exemplars = new Map<number, Exemplar>();
  private readonly trees = new Map<string, FlameTree>();

  constructor(page: ProfilePage) {
    this.page = page;
    this.stacks = new Stacks(page);
    this.pieces = page.requests ? piecesOf(page) : null;
    this.bands = page.requests ? bandOf(page.requests) : new Uint8Array();
    this.dominant = this.pieces ? dominantStates(page.states.length, this.pieces) : new Int16Array();
    const { stack, state } = page.samples;
    this.leftOut = page.filter ? [page.filter.left_out, state.length] : [0, 0];
    const more = this.pieces ? page.states.map((_, i) => i) : [];
    this.rows = { stack: [...stack, ...more.map(() => 0)], state: [...state, ...more] };
    for (const exemplar of page.exemplars) this.exemplars.set(exemplar.request, exemplar);
  }

  /** Whether any request counts. Else there is the time of goroutines. */
  get hasRequests(): boolean {
    return this.pieces !== null && this.page.requests!.dur_ns.length > 0;
  }

  exemplar(request: number): Exemplar | undefined {
    return this.exemplars.get(request);
  }

  /** The requests and sums of a view; none without requests. */
  choose(view: View): Chosen | null {
    const { page, pieces } = this;
    if (!page.requests || !pieces) return null;
    const mask = chosen(view.selection, page.requests, this.bands, view);
    if (view.trace !== null) page.requests.trace.forEach((trace, i) => trace !== view.trace && (mask[i] = 2));
    // All sums in one pass over the pieces: by band, and by whether a request is selected.
    const n = BANDS.length;
    const sums = sumsByClass(page, pieces, mask.map((of, i) => of * n + this.bands[i]), 2 * n);
    const [rest, selected] = [together(sums.slice(0, n)), together(sums.slice(n))];
    const bands = BANDS.map((_, band) => together([sums[band], sums[n + band]]));
    const all = together([selected, rest]);
    // Of all requests together the stacks are known also where they are not of each.
    if (this.page.more.ns.length > 0 && view.trace === null) all.byRow = this.samplesTime();
    const isPart = rest.requests > 0;
    return { mask, bands, selected: isPart ? selected : all, rest, all, isPart };
  }

  /** Who ended the waits of the selected requests; null where that is known of all requests alone. */
  waitsOf(mask: Uint8Array): WaitSum[] | null {
    return waitsOf(this.page, mask, 1);
  }

  /** Whether a view selects a request. */
  isChosen(view: View, request: number): boolean {
    return this.page.requests !== null && chooser(view.selection, this.page.requests, this.bands, view)(request);
  }

  /** Of the selected requests, those that were kept with their goroutines, the slowest first. */
  exemplarsOf({ mask }: Chosen): number[] {
    return this.page.exemplars.map((exemplar) => exemplar.request).filter((request) => mask[request] === 1);
  }

  /** The slowest of the selected requests; of equal ones the first. Null without any. */
  slowestOf({ mask }: Chosen): number | null {
    const { dur_ns } = this.page.requests!;
    let slowest: number | null = null;
    for (let i = 0; i < mask.length; i++) if (mask[i] === 1 && (slowest === null || dur_ns[i] > dur_ns[slowest])) slowest = i;
    return slowest;
  }

  /** Time by row without what a filter left out: that has no place in a flame graph. */
  shown(byRow: Float64Array): Float64Array {
    return this.page.filter ? byRow.slice().fill(0, ...this.leftOut) : byRow;
  }

  /** The part of sums that a filter left out. */
  filteredOut(byRow: Float64Array): number {
    return byRow.subarray(...this.leftOut).reduce((sum, ns) => sum + ns, 0);
  }

  /** Goroutine time of all by row. */
  goroutineTime(): Float64Array {
    const times = new Float64Array(this.rows.stack.length);
    times.set(this.page.samples.goroutine_ns);
    return times;
  }

  /** The tree of a flame graph; made when it is first asked for. */
  tree(view: Pick<View, "metric" | "own" | "leafFirst">): FlameTree {
    const key = `${view.metric} ${view.own} ${view.leafFirst}`;
    let known = this.trees.get(key);
    if (!known) {
      const times = view.metric === "goroutine" || !this.pieces ? this.goroutineTime() : this.latencyTime();
      const tree = buildTree(this.stacks, this.rows, this.shown(times), view);
      known = { tree, states: boxStates(tree, this.rows, this.shown(times), this.page.states.length) };
      this.trees.set(key, known);
    }
    return known;
  }

  /** The latency of all requests on stacks that a search finds. */
  search(text: string): number {
    const match = matcher(text);
    const { tree } = this.tree({ metric: "latency", own: false, leafFirst: false });
    if (!match || !this.pieces) return 0;
    return matchedValue(tree, matches(tree, this.page.strings, this.page.states, match), boxValues(tree, this.shown(this.latencyTime())));
  }

  /** The part of sums of which the stacks are not there. */
  withoutStacks(byRow: Float64Array): number {
    return this.pieces ? byRow.subarray(this.pieces.samples).reduce((sum, ns) => sum + ns, 0) : 0;
  }

  private samplesTime(): Float64Array {
    const times = new Float64Array(this.rows.stack.length);
    times.set(this.page.samples.latency_ns);
    return times;
  }

  private latencyTime(): Float64Array {
    const n = this.page.requests!.dur_ns.length;
    return sumsByClass(this.page, this.pieces!, new Uint8Array(n), 1)[0].byRow;
  }

  /** The command that shows one request alone; none where it cannot be pasted. */
  commandFor(request: number): string | null {
    const { trace, goid, dur_ns } = this.page.requests!;
    // Of chosen requests it need not be the slowest on its goroutine.
    const isSlowest = !this.page.only && dur_ns.every((ns, i) => goid[i] !== goid[request] || trace[i] !== trace[request] || ns <= dur_ns[request]);
    // A connection's goroutine serves many: its length tells it from the others.
    const choice = isSlowest ? "--slowest 1" : `--only ${dur_ns[request]}ns..${dur_ns[request] + 1}ns`;
    // As a function: what is put in place could hold signs that mean something there.
    return this.page.one_request[trace[request]]?.replace("CHOICE", () => `--goid ${goid[request]} ${choice}`) ?? null;
  }

  /** The rows of one request, longest first. */
  piecesOf(request: number): { row: number; ns: number }[] {
    if (!this.pieces) return [];
    const { offsets, row, ns } = this.pieces;
    const list = [];
    for (let at = offsets[request]; at < offsets[request + 1]; at++) list.push({ row: row[at], ns: ns[at] });
    return list.sort((a, b) => b.ns - a.ns || a.row - b.row);
  }
}
