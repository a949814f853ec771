// Colours of the theme on canvases: the style sheet has them, and canvases are drawn again when it changes.

import { useEffect, useMemo, useState } from "preact/hooks";
import type { StateRow } from "../data/page";

const DARK = "(prefers-color-scheme: dark)";
const QUERIES = [DARK, "(forced-colors: active)", "(prefers-contrast: more)"];

/** A number that changes with the theme. */
export function useTheme(): number {
  const [version, setVersion] = useState(0);
  useEffect(() => {
    const lists = QUERIES.map((query) => matchMedia(query));
    const changed = () => setVersion((v) => v + 1);
    lists.forEach((list) => list.addEventListener("change", changed));
    return () => lists.forEach((list) => list.removeEventListener("change", changed));
  }, []);
  return version;
}

/** Gives the style sheet the colours of states, now and whenever the theme changes: before anything is drawn with them. */
export function provideStateColors(states: StateRow[]): void {
  const provide = () => {
    const isDark = matchMedia(DARK).matches;
    states.forEach((state, i) => document.documentElement.style.setProperty(`--state-${i}`, isDark ? state.dark : state.light));
  };
  provide();
  matchMedia(DARK).addEventListener("change", provide);
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
