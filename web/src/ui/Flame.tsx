// The flame graph of the selection, and the functions in it as a table.

import { useEffect, useMemo, useRef } from "preact/hooks";
import { changeColor, parseRgb } from "../core/change";
import { functions } from "../core/functions";
import { boxName, matchedValue, matcher, matches } from "../core/search";
import { boxAt, boxValues, isState, pathOf, stateOf, type Tree } from "../core/tree";
import { counted, duration, percent, share, signed } from "../core/units";
import { FlameGraph, stateColors } from "../view/FlameGraph";
import { Choice, Copy, Details, Section, Table } from "./parts";
import { useStore } from "./store";
import { useStateColors } from "../view/theme";

export function Flame() {
  const { model, view, chosen, show } = useStore();
  const { page } = model;
  const isGoroutine = view.metric === "goroutine" || !chosen || !model.hasRequests;
  const { tree, states } = useMemo(() => model.tree(view), [model, view.metric, view.own, view.leafFirst]);
  const all = useMemo(() => (isGoroutine ? model.goroutineTime() : chosen.selected.byRow), [model, chosen, isGoroutine]);
  const byRow = useMemo(() => model.shown(all), [model, all]);
  const values = useMemo(() => boxValues(tree, byRow), [tree, byRow]);
  const restValues = useMemo(() => (chosen ? boxValues(tree, model.shown(chosen.rest.byRow)) : null), [tree, chosen]);
  const isDifferential = view.differential && !isGoroutine && chosen!.isPart && chosen!.selected.requests > 0;
  const zoom = useMemo(() => boxAt(tree, view.zoom), [tree, view.zoom]);
  const match = useMemo(() => matcher(view.search), [view.search]);
  const found = useMemo(() => (match ? matches(tree, page.strings, page.states, match) : null), [tree, match]);
  const theme = useStateColors(page.states);
  const colors = useMemo(() => theme.map(parseRgb), [theme]);
  const mean = (box: number, of: "selected" | "rest") => (of === "selected" ? values[box] : restValues![box]) / Math.max(1, chosen![of].requests);
  const color = useMemo(() => {
    if (!isDifferential) return stateColors(tree, states, colors);
    return (box: number) => (box === 0 ? null : { fill: changeColor(mean(box, "rest"), mean(box, "selected")), isPale: false });
  }, [tree, states, isDifferential, values, colors]);
  const name = useMemo(() => shortNames(tree, model), [tree]);
  const text = (box: number) => (box === 0 ? whole() : name(box));
  const whole = () => `${isGoroutine ? "goroutine time" : counted(chosen!.selected.requests, "request")} · ${duration(values[0])}`;
  const describe = (box: number) => {
    const parts = [box === 0 ? "everything" : boxName(tree, box, page.strings, page.states), `${duration(values[box])}, ${share(values[box], values[0])}`];
    const frame = tree.frame[box];
    if (frame >= 0 && model.stacks.place(frame)) parts.splice(1, 0, model.stacks.place(frame));
    if (!isGoroutine && chosen!.selected.requests > 1) parts.push(`${duration(values[box] / chosen!.selected.requests)} a request`);
    if (isDifferential) parts.push(`the rest ${duration(mean(box, "rest"))} a request, ${signed(mean(box, "selected") - mean(box, "rest"))}`);
    return parts.join(" · ");
  };
  const search = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const keys = (event: Event) => (event as CustomEvent).detail === "search" && search.current?.focus();
    addEventListener("page-key", keys);
    return () => removeEventListener("page-key", keys);
  }, []);
  const matched = found ? matchedValue(tree, found, values) : 0;
  const zoomName = zoom === 0 ? "" : boxName(tree, zoom, page.strings, page.states);
  const what = isGoroutine ? "All goroutines of the slice" : chosen!.isPart ? "The selection" : "All requests";
  return (
    <Section id="flame" title="Flame graph" lead={`${what}: a box is as wide as the time on its stack; the state is the ${view.leafFirst ? "first" : "last"} box. Own functions are bold. Click a box to zoom in.`}>
      <div class="controls">
        <label class="search">
          <span class="sr">Search functions and states</span>
          <input ref={search} type="search" placeholder="search  /" value={view.search} onInput={(event) => show({ search: event.currentTarget.value })} />
        </label>
        {found && (
          <span class="matched" role="status">
            {share(matched, values[0])} matched, {duration(matched)}
          </span>
        )}
        {model.hasRequests && (
          <Choice label="Measure" value={view.metric} options={[["latency", "latency"], ["goroutine", "goroutine time"]]} onChange={(metric) => show({ metric, zoom: [] })} />
        )}
        <Choice label="Stacks" value={view.own ? "own" : "joined"} options={[["joined", "joined"], ["own", "own"]]} onChange={(stacks) => show({ own: stacks === "own", zoom: [] })} />
        <Choice label="Order" value={view.leafFirst ? "leaf" : "root"} options={[["root", "root first"], ["leaf", "leaf first"]]} onChange={(order) => show({ leafFirst: order === "leaf", zoom: [] })} />
        {!isGoroutine && (
          <Choice label="Colours" value={isDifferential ? "rest" : "state"} disabled={!chosen!.isPart} options={[["state", "by state"], ["rest", "against the rest"]]} onChange={(by) => show({ differential: by === "rest" })} />
        )}
        <button type="button" disabled={zoom === 0} onClick={() => show({ zoom: [] })}>
          whole
        </button>
      </div>
      {page.filter && (
        <p class="lead">
          Only the stacks of <code>{page.filter.options}</code>: {duration(values[0])}, {share(values[0], values[0] + model.filteredOut(all))} of the time.
        </p>
      )}
      {isDifferential && <p class="lead">Red takes longer in a mean request of the selection than in one of the rest, blue less; grey is the same.</p>}
      {!isGoroutine && model.withoutStacks(byRow) > 0 && (
        <p class="lead">{share(model.withoutStacks(byRow), values[0])} of it is of requests whose stacks the page does not have one by one: it is shown by state alone.</p>
      )}
      {isGoroutine && chosen?.isPart && <p class="lead">Goroutine time is known for all requests together, not for the selection.</p>}
      <FlameGraph
        tree={tree}
        values={values}
        zoom={zoom}
        onZoom={(box) => show({ zoom: pathOf(tree, box) })}
        found={found}
        color={color}
        text={text}
        describe={describe}
        label={`Flame graph: ${whole()}`}
      />
      {zoomName && (
        <p class="lead">
          Zoomed into <code>{zoomName}</code> <Copy text={zoomName} />
        </p>
      )}
      <Details title="Table of functions">{() => <Functions byRow={byRow} totalNs={values[0]} />}</Details>
    </Section>
  );
}

/** Names as they are written on boxes. */
function shortNames(tree: Tree, model: ReturnType<typeof useStore>["model"]): (box: number) => string {
  const { page, stacks } = model;
  return (box) => {
    const name = tree.name[box];
    return isState(name) ? `[${page.states[stateOf(name)].name}]` : stacks.short(tree.frame[box]);
  };
}

function Functions({ byRow, totalNs }: { byRow: Float64Array; totalNs: number }) {
  const { model, view, chosen } = useStore();
  const rows = useMemo(() => functions(model.stacks, model.rows.stack, byRow, view.own), [model, byRow, view.own]);
  const rest = useMemo(() => {
    if (!chosen?.isPart || view.metric === "goroutine") return null;
    const list = functions(model.stacks, model.rows.stack, model.shown(chosen.rest.byRow), view.own);
    return new Map(list.map((row) => [row.name, row.totalNs / chosen.rest.requests]));
  }, [model, chosen, view.own, view.metric]);
  const match = matcher(view.search);
  const shown = match ? rows.filter((row) => match(model.page.strings[row.name])) : rows;
  const against = (name: number, totalNs: number) => {
    const [mean, before] = [totalNs / Math.max(1, chosen!.selected.requests), rest!.get(name) ?? 0];
    return before > 0 ? `${signed(mean - before)} (${percent(mean - before, before)})` : signed(mean);
  };
  const columns = [
    { title: "time below", right: true },
    { title: "share", right: true },
    { title: "itself", right: true },
    ...(rest ? [{ title: "a request, against the rest", right: true }] : []),
    { title: "function" },
  ];
  const cells = shown.map((row) => [
    duration(row.totalNs),
    share(row.totalNs, totalNs),
    duration(row.selfNs),
    ...(rest ? [against(row.name, row.totalNs)] : []),
    <span class={row.own ? "own" : ""}>{row.short}</span>,
  ]);
  return <Table label="Functions of the flame graph" columns={columns} rows={cells} most={100} />;
}
