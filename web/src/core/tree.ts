// The boxes of a flame graph: stacks that share their beginnings are one tree. It is made once; each selection only
// gives the boxes other values, so that they keep their places in order.

import type { Stacks } from "./stacks";

/** What a box stands for: a function (position of its name in the strings) or a state. */
export const stateName = (state: number) => -1 - state;
export const isState = (name: number) => name < 0;
export const stateOf = (name: number) => -1 - name;

export interface TreeOptions {
  /** Only the goroutine's own frames, not those of its creators and of who waited for it. */
  own: boolean;
  /** The innermost function on top. */
  leafFirst: boolean;
}

/** Rows to put into a tree: a stack and a state each. */
export interface TreeRows {
  stack: ArrayLike<number>;
  state: ArrayLike<number>;
}

export interface Tree {
  /** Of each box, its parent. Box 0 is everything; parents come before children. */
  parent: Int32Array;
  name: Int32Array;
  depth: Int32Array;
  /** 1 where the function is the program's own. */
  own: Uint8Array;
  /** A frame of the box, for its place; -1 for states. */
  frame: Int32Array;
  /** Children of each box, one after the other. */
  firstChild: Int32Array;
  nextSibling: Int32Array;
  /** The box that each row ends in. */
  leafOf: Int32Array;
  /** Depth of the deepest box. */
  maxDepth: number;
}

/** Puts rows into a tree; rows of which `total` is 0 too. Siblings with more of `total` come first. */
export function buildTree(stacks: Stacks, rows: TreeRows, total: ArrayLike<number>, options: TreeOptions): Tree {
  const [parent, name, depth, frameOf] = [[-1], [0], [0], [-1]];
  const known = new Map<number, Map<number, number>>();
  const child = (of: number, called: number, frame: number): number => {
    let children = known.get(of);
    if (!children) known.set(of, (children = new Map()));
    const found = children.get(called);
    if (found !== undefined) return found;
    parent.push(of);
    name.push(called);
    depth.push(depth[of] + 1);
    frameOf.push(frame);
    children.set(called, parent.length - 1);
    return parent.length - 1;
  };
  const leafOf = new Int32Array(rows.stack.length);
  for (let row = 0; row < leafOf.length; row++) {
    const stack = rows.stack[row];
    const frames = options.own ? stacks.ownFrameIndexes(stack) : stacks.frameIndexes(stack);
    let at = 0;
    const state = stateName(rows.state[row]);
    if (options.leafFirst) at = child(at, state, -1);
    else frames.reverse();
    for (const frame of frames) at = child(at, stacks.frames.function[frame], frame);
    leafOf[row] = options.leafFirst ? at : child(at, state, -1);
  }
  const tree = {
    parent: Int32Array.from(parent),
    name: Int32Array.from(name),
    depth: Int32Array.from(depth),
    own: Uint8Array.from(frameOf, (frame) => (frame >= 0 ? stacks.frames.own[frame] : 0)),
    frame: Int32Array.from(frameOf),
    firstChild: new Int32Array(parent.length).fill(-1),
    nextSibling: new Int32Array(parent.length).fill(-1),
    leafOf,
    maxDepth: depth.reduce((most, d) => Math.max(most, d), 0),
  };
  sortChildren(tree, boxValues(tree, total));
  return tree;
}

/** Links children, largest first. */
function sortChildren(tree: Tree, values: Float64Array): void {
  const order = Array.from({ length: tree.parent.length - 1 }, (_, i) => i + 1);
  // From the smallest on: each is put before those that are there.
  order.sort((a, b) => values[a] - values[b] || tree.name[b] - tree.name[a]);
  for (const box of order) {
    const of = tree.parent[box];
    tree.nextSibling[box] = tree.firstChild[of];
    tree.firstChild[of] = box;
  }
}

/** The sums of all boxes, of a value for each row. */
export function boxValues(tree: Tree, byRow: ArrayLike<number>): Float64Array {
  const values = new Float64Array(tree.parent.length);
  for (let row = 0; row < tree.leafOf.length; row++) values[tree.leafOf[row]] += byRow[row];
  for (let box = values.length - 1; box > 0; box--) values[tree.parent[box]] += values[box];
  return values;
}

/** Of each box, the state with most of its time. */
export function boxStates(tree: Tree, rows: TreeRows, byRow: ArrayLike<number>, nStates: number): Int16Array {
  const n = tree.parent.length;
  const states = new Int16Array(n).fill(-1);
  // A tree has few boxes with more than one state below; a map for each is enough.
  const sums: (Map<number, number> | null)[] = new Array(n).fill(null);
  const add = (box: number, state: number, ns: number) => {
    const of = (sums[box] ??= new Map());
    of.set(state, (of.get(state) ?? 0) + ns);
  };
  for (let row = 0; row < tree.leafOf.length; row++) if (byRow[row] > 0) add(tree.leafOf[row], rows.state[row], byRow[row]);
  for (let box = n - 1; box >= 0; box--) {
    let most = -1;
    for (const [state, ns] of sums[box] ?? []) {
      if (state < nStates && ns > most) [most, states[box]] = [ns, state];
      if (box > 0) add(tree.parent[box], state, ns);
    }
    sums[box] = null;
  }
  return states;
}

/** A box in a drawing: from where to where, in parts of the width, and on which row. */
export interface PlacedBox {
  box: number;
  x: number;
  width: number;
  row: number;
}

/** Places the boxes below `zoom`, and those above it at full width. Boxes narrower than `least` parts of the width, and those
 * deeper than `maxRows`, are left out. */
export function placeBoxes(tree: Tree, values: Float64Array, zoom: number, least: number, maxRows: number): PlacedBox[] {
  const placed: PlacedBox[] = [];
  const above: number[] = [];
  for (let box = tree.parent[zoom]; box >= 0; box = tree.parent[box]) above.push(box);
  for (const box of above.reverse()) placed.push({ box, x: 0, width: 1, row: tree.depth[box] });
  const whole = values[zoom];
  if (!(whole > 0)) return placed;
  const open: PlacedBox[] = [{ box: zoom, x: 0, width: 1, row: tree.depth[zoom] }];
  for (let place = open.pop(); place; place = open.pop()) {
    placed.push(place);
    if (place.row + 1 >= maxRows) continue;
    let x = place.x;
    for (let box = tree.firstChild[place.box]; box >= 0; box = tree.nextSibling[box]) {
      const width = values[box] / whole;
      if (width >= least) open.push({ box, x, width, row: place.row + 1 });
      x += width;
    }
  }
  return placed;
}

/** The names from everything down to a box, as keys that outlive a rebuild. */
export function pathOf(tree: Tree, box: number): number[] {
  const path: number[] = [];
  for (let at = box; at > 0; at = tree.parent[at]) path.push(tree.name[at]);
  return path.reverse();
}

/** The box at the end of a path; everything where there is none. */
export function boxAt(tree: Tree, path: number[]): number {
  let at = 0;
  for (const name of path) {
    let box = tree.firstChild[at];
    while (box >= 0 && tree.name[box] !== name) box = tree.nextSibling[box];
    if (box < 0) return 0;
    at = box;
  }
  return at;
}
