// Boxes of a flame graph whose name matches, and how much of the whole they are.

import { isState, stateOf, type Tree } from "./tree";

/** How a name is compared: as a regular expression where it is one, else as plain text; without regard to case. Go's names are
 * full of characters with a meaning, so a name as it is always matches itself; and a text in brackets is a state. */
export function matcher(text: string): ((name: string) => boolean) | null {
  if (text === "") return null;
  const plain = text.toLowerCase();
  const isPlain = (name: string) => name.toLowerCase().includes(plain);
  if (/^\[[^\]]*\]$/.test(text)) return isPlain;
  try {
    const pattern = new RegExp(text, "i");
    return (name) => pattern.test(name) || isPlain(name);
  } catch {
    return isPlain;
  }
}

/** The name of a box as it is searched: a function with its package, or a state in brackets. */
export function boxName(tree: Tree, box: number, strings: string[], states: { name: string }[]): string {
  if (box === 0) return "";
  const name = tree.name[box];
  return isState(name) ? `[${states[stateOf(name)].name}]` : strings[name];
}

/** 1 for each box that matches. */
export function matches(tree: Tree, strings: string[], states: { name: string }[], match: (name: string) => boolean): Uint8Array {
  const found = new Uint8Array(tree.parent.length);
  const known = new Map<number, boolean>();
  for (let box = 1; box < found.length; box++) {
    const name = tree.name[box];
    let is = known.get(name);
    if (is === undefined) known.set(name, (is = match(boxName(tree, box, strings, states))));
    found[box] = is ? 1 : 0;
  }
  return found;
}

/** The value of all that has a box that matches, each counted once. */
export function matchedValue(tree: Tree, found: Uint8Array, values: Float64Array): number {
  const inside = new Uint8Array(found.length);
  let sum = 0;
  for (let box = 1; box < found.length; box++) {
    const of = tree.parent[box];
    inside[box] = inside[of] | found[of];
    if (found[box] && !inside[box]) sum += values[box];
  }
  return sum;
}
