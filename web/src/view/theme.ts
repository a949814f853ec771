// Colours of the theme on canvases: the style sheet has them, and canvases are drawn again when it changes.

import { useEffect, useMemo, useState } from "preact/hooks";
import type { StateRow } from "../data/page";

const DARK = "(prefers-color-scheme: dark)";
const QUERIES = [DARK, "(forced-colors: active)", "(prefers-contrast: more)"];

/** Calls when printing begins, and when it is over. Gives what ends that. */
export function onPrint(call: () => void): () => void {
  addEventListener("beforeprint", call);
  addEventListener("afterprint", call);
  return () => {
    removeEventListener("beforeprint", call);
    removeEventListener("afterprint", call);
  };
}

/** Marks the page while it is printed: paper is light and narrow. Before anything is drawn. */
export function markPrint(): void {
  const mark = (isPrinted: boolean) => document.documentElement.toggleAttribute("data-print", isPrinted);
  addEventListener("beforeprint", () => mark(true));
  addEventListener("afterprint", () => mark(false));
}

/** A number that changes with the theme. */
export function useTheme(): number {
  const [version, setVersion] = useState(0);
  useEffect(() => {
    const lists = QUERIES.map((query) => matchMedia(query));
    const changed = () => setVersion((v) => v + 1);
    lists.forEach((list) => list.addEventListener("change", changed));
    const stop = onPrint(changed);
    return () => {
      lists.forEach((list) => list.removeEventListener("change", changed));
      stop();
    };
  }, []);
  return version;
}

/** Gives the style sheet the colours of states, now and whenever the theme changes: before anything is drawn with them. */
export function provideStateColors(states: StateRow[]): void {
  const provide = () => {
    const isDark = matchMedia(DARK).matches && !document.documentElement.hasAttribute("data-print");
    states.forEach((state, i) => document.documentElement.style.setProperty(`--state-${i}`, isDark ? state.dark : state.light));
  };
  provide();
  matchMedia(DARK).addEventListener("change", provide);
  onPrint(provide);
}

/** The colour of a state, for the style of an element. */
export function stateColor(state: number): string {
  return `var(--state-${state})`;
}

/** The colours of the states, for canvases: others when the theme changes. */
export function useStateColors(states: StateRow[]): string[] {
  const theme = useTheme();
  return useMemo(() => states.map((_, i) => themeColor(`--state-${i}`)), [states, theme]);
}

/** A colour of the style sheet, such as `--text`. */
export function themeColor(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim() || "GrayText";
}
