// A flame graph on a canvas: the outermost functions on top, or the innermost; boxes can be gone through with the keyboard.

import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { mix, parseRgb, textOn, css, type Rgb } from "../core/change";
import { isState, placeBoxes, stateOf, type PlacedBox, type Tree } from "../core/tree";
import { Canvas, fitted } from "./Canvas";
import { themeColor } from "./theme";

const ROW = 19;
/** Rows that are drawn at most; what is deeper is reached by zooming in. */
const MAX_ROWS = 400;

interface Props {
  tree: Tree;
  values: Float64Array;
  /** Box that fills the width. */
  zoom: number;
  onZoom: (box: number) => void;
  /** 1 for boxes that a search has found; null without a search. */
  found: Uint8Array | null;
  /** Colour of a box; null for what the theme has. */
  color: (box: number) => { fill: Rgb; isPale: boolean } | null;
  /** What is written on a box. */
  text: (box: number) => string;
  /** What is said of a box, for the line below. */
  describe: (box: number) => string;
  label: string;
}

export function FlameGraph(props: Props) {
  const { tree, values, zoom, onZoom, found, color, text, describe, label } = props;
  const [hovered, setHovered] = useState<number | null>(null);
  const [focused, setFocused] = useState(0);
  const [hasFocus, setHasFocus] = useState(false);
  const [width, setWidth] = useState(0);
  const scroll = useRef<HTMLDivElement>(null);
  const places = useMemo(() => placeBoxes(tree, values, zoom, width > 0 ? 0.4 / width : 1, MAX_ROWS), [tree, values, zoom, width]);
  const rows = places.reduce((most, place) => Math.max(most, place.row + 1), 1);
  useEffect(() => setFocused(zoom), [tree, zoom]);
  const draw = useCallback(
    (context: CanvasRenderingContext2D, all: number) => {
      const paper = parseColor(themeColor("--paper"));
      context.font = "12px system-ui, sans-serif";
      context.textBaseline = "middle";
      for (const place of places) drawBox(context, place, all, paper);
      const at = hasFocus ? places.find((place) => place.box === focused) : undefined;
      if (!at) return;
      context.strokeStyle = themeColor("--focus");
      context.lineWidth = 3;
      context.strokeRect(at.x * all + 1.5, at.row * ROW + 1.5, Math.max(2, at.width * all - 3), ROW - 4);
    },
    [places, found, color, text, focused, hasFocus],
  );
  const drawBox = (context: CanvasRenderingContext2D, place: PlacedBox, all: number, paper: Rgb) => {
    const [x, y, size] = [place.x * all, place.row * ROW, place.width * all];
    const style = color(place.box);
    const plain = style?.fill ?? parseColor(themeColor("--line"));
    const fill = style?.isPale ? mix(paper, plain, 0.34) : plain;
    const isFaint = found !== null && !found[place.box];
    const isAbove = place.row < tree.depth[zoom];
    const shown = isFaint ? mix(paper, fill, 0.3) : isAbove ? mix(paper, fill, 0.6) : fill;
    context.fillStyle = css(shown);
    context.fillRect(x, y, Math.max(0.6, size - (size > 3 ? 0.8 : 0)), ROW - 1);
    if (found?.[place.box] && size > 2) {
      context.strokeStyle = themeColor("--text");
      context.lineWidth = 1.5;
      context.strokeRect(x + 1, y + 1, Math.max(0, size - 2.8), ROW - 3);
    }
    if (size < 18) return;
    context.fillStyle = textOn(shown);
    context.font = `${tree.own[place.box] ? "600 " : ""}12px system-ui, sans-serif`;
    context.fillText(fitted(context, text(place.box), size - 8), x + 4, y + ROW / 2);
  };
  const boxAt = (event: MouseEvent): number | null => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const [x, row] = [(event.clientX - box.left) / width, Math.floor((event.clientY - box.top) / ROW)];
    const hit = places.filter((place) => place.row === row && x >= place.x && x < place.x + place.width);
    return hit.length > 0 ? hit[hit.length - 1].box : null;
  };
  const keys = (event: KeyboardEvent) => {
    const next = step(tree, values, focused, event.key);
    if (next !== null) setFocused(next);
    else if (event.key === "Enter" || event.key === " ") onZoom(focused);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  useEffect(() => {
    const at = places.find((place) => place.box === focused);
    const area = scroll.current;
    if (!hasFocus || !at || !area) return;
    if (at.row * ROW < area.scrollTop) area.scrollTop = at.row * ROW;
    if ((at.row + 1) * ROW > area.scrollTop + area.clientHeight) area.scrollTop = (at.row + 1) * ROW - area.clientHeight;
  }, [focused]);
  const said = hovered ?? (hasFocus ? focused : zoom);
  return (
    <div class="flame">
      <div
        class="flamescroll"
        ref={scroll}
        tabIndex={0}
        role="group"
        aria-label={`${label}. Arrow keys or w a s d go from box to box, Enter zooms in.`}
        onKeyDown={keys}
        onFocus={() => setHasFocus(true)}
        onBlur={() => setHasFocus(false)}
      >
        <Canvas
          height={rows * ROW}
          draw={draw}
          label={label}
          onWidth={setWidth}
          onMouseMove={(event: MouseEvent) => setHovered(boxAt(event))}
          onMouseLeave={() => setHovered(null)}
          onClick={(event: MouseEvent) => {
            const box = boxAt(event);
            if (box !== null) onZoom(box);
          }}
        />
      </div>
      <p class="said" aria-live="polite">
        {describe(said)}
      </p>
    </div>
  );
}

/** The box that a key leads to: down to the largest child, up to the parent, aside to a sibling. */
function step(tree: Tree, values: Float64Array, box: number, key: string): number | null {
  const visible = (at: number): number => {
    while (at >= 0 && !(values[at] > 0)) at = tree.nextSibling[at];
    return at;
  };
  if (key === "ArrowDown" || key === "s") return Math.max(visible(tree.firstChild[box]), -1) >= 0 ? visible(tree.firstChild[box]) : box;
  if (key === "ArrowUp" || key === "w") return Math.max(0, tree.parent[box]);
  if (key === "ArrowRight" || key === "d") {
    const next = visible(tree.nextSibling[box]);
    return next >= 0 ? next : box;
  }
  if (key !== "ArrowLeft" && key !== "a") return null;
  let before = box;
  for (let at = box === 0 ? -1 : visible(tree.firstChild[tree.parent[box]]); at >= 0 && at !== box; at = visible(tree.nextSibling[at])) before = at;
  return before;
}

/** Colours by state: full for states, pale for the functions above them. */
export function stateColors(tree: Tree, states: Int16Array, colors: Rgb[]): (box: number) => { fill: Rgb; isPale: boolean } | null {
  return (box) => {
    if (box === 0) return null;
    const name = tree.name[box];
    const state = isState(name) ? stateOf(name) : states[box];
    return state < 0 ? null : { fill: colors[state], isPale: !isState(name) };
  };
}

/** A colour of the style sheet in numbers. */
function parseColor(text: string): Rgb {
  if (text.startsWith("#")) return parseRgb(text);
  const context = document.createElement("canvas").getContext("2d")!;
  context.fillStyle = text;
  context.fillRect(0, 0, 1, 1);
  const [r, g, b] = context.getImageData(0, 0, 1, 1).data;
  return { r, g, b };
}
