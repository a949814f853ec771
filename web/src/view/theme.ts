// Colours of the theme on canvases: the style sheet has them, and canvases are drawn again when it changes.

import { useEffect, useState } from "preact/hooks";

const QUERIES = ["(prefers-color-scheme: dark)", "(forced-colors: active)", "(prefers-contrast: more)"];

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

/** A colour of the style sheet, such as `--text`. */
export function themeColor(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim() || "GrayText";
}
