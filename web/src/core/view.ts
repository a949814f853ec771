// What the page shows, and its text in the address: a link opens the same view.

import { ALL, BANDS, type Selection } from "./selection";

export interface View {
  selection: Selection;
  /** The only trace whose requests are shown; null for all. */
  trace: number | null;
  /** The only endpoint whose requests are selected: the position of its name in the strings; null for all. */
  endpoint: number | null;
  /** The request whose timeline is open. */
  picked: number | null;
  /** From when to when its timeline shows it, in ns; null for all of it. */
  window: [number, number] | null;
  /** Keys of the rows of its timeline that are unfolded. */
  unfolded: string[];
  search: string;
  metric: "latency" | "goroutine";
  own: boolean;
  leafFirst: boolean;
  differential: boolean;
  /** Names from everything down to the box that fills the flame graph. */
  zoom: number[];
}

export const START: View = {
  selection: ALL,
  trace: null,
  endpoint: null,
  picked: null,
  window: null,
  unfolded: [],
  search: "",
  metric: "latency",
  own: false,
  leafFirst: false,
  differential: false,
  zoom: [],
};

/** The view as the part of an address after `#`; empty for the start. */
export function toHash(view: View): string {
  const parts = new URLSearchParams();
  const { selection } = view;
  if (selection.kind === "band") parts.set("band", selection.band);
  if (selection.kind === "brush") {
    const range = (from?: number, to?: number) => `${from ?? ""}..${to ?? ""}`;
    if (selection.fromNs !== undefined || selection.toNs !== undefined) parts.set("start", range(selection.fromNs, selection.toNs));
    if (selection.minNs !== undefined || selection.maxNs !== undefined) parts.set("took", range(selection.minNs, selection.maxNs));
  }
  if (view.trace !== null) parts.set("trace", String(view.trace));
  if (view.endpoint !== null) parts.set("endpoint", String(view.endpoint));
  if (view.picked !== null) parts.set("request", String(view.picked));
  if (view.window !== null) parts.set("time", view.window.join(".."));
  if (view.unfolded.length > 0) parts.set("unfolded", view.unfolded.join(" "));
  if (view.search) parts.set("search", view.search);
  if (view.metric === "goroutine") parts.set("metric", "goroutine");
  if (view.own) parts.set("stacks", "own");
  if (view.leafFirst) parts.set("order", "leaf-first");
  if (view.differential) parts.set("against", "rest");
  if (view.zoom.length > 0) parts.set("zoom", view.zoom.join("."));
  return parts.toString();
}

/** The view of an address; what it does not understand is left as at the start. */
export function fromHash(hash: string): View {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const whole = (name: string) => {
    const value = parts.get(name);
    return value !== null && /^\d{1,9}$/.test(value) ? Number(value) : null;
  };
  const edges = /^(\d{1,15})\.\.(\d{1,15})$/.exec(parts.get("time") ?? "")?.slice(1).map(Number);
  const zoom = (parts.get("zoom") ?? "").split(".").map(Number);
  return {
    selection: selectionOf(parts),
    trace: whole("trace"),
    endpoint: whole("endpoint"),
    picked: whole("request"),
    window: edges && edges[0] < edges[1] ? [edges[0], edges[1]] : null,
    unfolded: (parts.get("unfolded") ?? "").split(" ").filter((key) => /^[-.a-z\d]{1,80}$/.test(key)).slice(0, 100),
    search: parts.get("search") ?? "",
    metric: parts.get("metric") === "goroutine" ? "goroutine" : "latency",
    own: parts.get("stacks") === "own",
    leafFirst: parts.get("order") === "leaf-first",
    differential: parts.get("against") === "rest",
    zoom: parts.has("zoom") && zoom.every(Number.isInteger) ? zoom : [],
  };
}

function selectionOf(parts: URLSearchParams): Selection {
  const band = BANDS.find((b) => b.name === parts.get("band"));
  if (band) return { kind: "band", band: band.name };
  const range = (name: string) => {
    const match = /^(\d{0,20})\.\.(\d{0,20})$/.exec(parts.get(name) ?? "");
    const value = (text?: string) => (text ? Number(text) : undefined);
    return { from: value(match?.[1]), to: value(match?.[2]) };
  };
  const [start, took] = [range("start"), range("took")];
  const isBrushed = [start.from, start.to, took.from, took.to].some((edge) => edge !== undefined);
  return isBrushed ? { kind: "brush", fromNs: start.from, toNs: start.to, minNs: took.from, maxNs: took.to } : ALL;
}
