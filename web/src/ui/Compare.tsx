// The page of a comparison: how latencies differ, and what explains it.

import { useCallback, useEffect, useMemo, useRef } from "preact/hooks";
import { changeColor } from "../core/change";
import { densities } from "../core/densities";
import { logTicks } from "../core/scale";
import { boxName, matchedValue, matcher, matches } from "../core/search";
import { Stacks } from "../core/stacks";
import { boxAt, boxValues, buildTree, isState, pathOf, stateOf } from "../core/tree";
import { duration, percent, share, signed } from "../core/units";
import { START, type View } from "../core/view";
import type { ChangeRow, ComparisonPage, SideRow } from "../data/page";
import { Canvas } from "../view/Canvas";
import { FlameGraph } from "../view/FlameGraph";
import { stateColor, themeColor } from "../view/theme";
import { KeyDialog, type KeyRows } from "./Keys";
import { Recorded, Warnings } from "./Notes";
import { Choice, Details, Section, Swatch, Table } from "./parts";
import { useView } from "./store";

const KEYS: KeyRows = [
  ["/", "search the flame graph"],
  ["w a s d, arrows", "in the flame graph: go from box to box"],
  ["Enter", "in the flame graph: zoom into the box"],
  ["Esc", "leave the search, zoom out"],
  ["?", "this list"],
];

/** The parts of a view that a comparison has. */
const known = ({ search, zoom, leafFirst }: View): View => ({ ...START, search, zoom, leafFirst });

export function Compare({ page }: { page: ComparisonPage }) {
  const [view, setView] = useView(known);
  const show = (change: Partial<View>) => setView((old) => ({ ...old, ...change }));
  const act = (key: string): boolean => {
    if (key !== "Escape") return false;
    show(view.search ? { search: "" } : { zoom: [] });
    return true;
  };
  return (
    <>
      <main>
        <section id="verdict" aria-label="Verdict">
          <p class="answer">{page.answer}</p>
          <dl class="facts">
            <Side name="base" side={page.base} />
            <Side name="new" side={page.new} />
          </dl>
        </section>
        <Latencies page={page} />
        <Waterfall page={page} />
        <DifferentialFlame page={page} view={view} show={show} />
        <Changed page={page} />
        <Warnings warnings={page.warnings} />
        <Recorded facts={page.facts} command={page.command} />
      </main>
      <KeyDialog keys={KEYS} act={act} />
    </>
  );
}

function Side({ name, side }: { name: string; side: SideRow }) {
  const traces = side.traces.map((trace) => (trace.complete ? trace.name : `${trace.name} (incomplete)`)).join(", ");
  return (
    <div>
      <dt>
        <span class={`side ${name}`} aria-hidden="true" /> {name}
      </dt>
      <dd>
        {side.requests} of {side.asked} · {traces}
      </dd>
    </div>
  );
}

function Latencies({ page }: { page: ComparisonPage }) {
  const rows = page.quantiles.map((change) => [
    change.name,
    duration(change.base_ns),
    duration(change.new_ns),
    change.clear ? <b>{signed(change.delta_ns)}</b> : signed(change.delta_ns),
    change.clear ? percent(change.delta_ns, change.base_ns) : "~",
    `${signed(change.low_ns)} to ${signed(change.high_ns)}`,
    <Interval change={change} all={page.quantiles} />,
  ]);
  const columns = [
    { title: "latency" },
    { title: "base", right: true },
    { title: "new", right: true },
    { title: "change", right: true },
    { title: "in %", right: true },
    { title: "95% interval" },
    { title: "around 0" },
  ];
  return (
    <Section id="latencies" title="Latencies" lead="+ is slower than the base; ~ is what chance may explain.">
      <Densities page={page} />
      <Table label="Latencies of both sides" columns={columns} rows={rows} />
      {page.notes.map((note) => (
        <p class="lead">{note}</p>
      ))}
    </Section>
  );
}

/** The interval of a change as a line, all on one scale, around 0. */
function Interval({ change, all }: { change: ChangeRow; all: ChangeRow[] }) {
  const most = all.reduce((m, row) => Math.max(m, Math.abs(row.low_ns), Math.abs(row.high_ns)), 1);
  const at = (ns: number) => 50 + (ns / most) * 50;
  const color = !change.clear ? "muted" : change.delta_ns > 0 ? "slower" : "faster";
  return (
    <span class="interval" aria-hidden="true">
      <span class="zero" />
      <span class={`range ${color}`} style={{ left: `${at(change.low_ns)}%`, width: `${Math.max(1, at(change.high_ns) - at(change.low_ns))}%` }} />
      <span class={`point ${color}`} style={{ left: `${at(change.delta_ns)}%` }} />
    </span>
  );
}

/** Both distributions over each other, as shares of their requests by equal steps of the logarithm. */
function Densities({ page }: { page: ComparisonPage }) {
  const sides = [page.base.latency, page.new.latency];
  const [least, most] = [Math.max(1, Math.min(...sides.map((s) => s.min_ns))), Math.max(2, ...sides.map((s) => s.max_ns))];
  const [low, high] = [Math.log(least) - 0.05, Math.log(most) + 0.05];
  const draw = useCallback(
    (context: CanvasRenderingContext2D, width: number, height: number) => {
      const bottom = height - 24;
      const x = (log: number) => ((log - low) / (high - low)) * width;
      const steps = sides.map(densities);
      const highest = Math.max(...steps.flat().map((step) => step.density), 1e-9);
      context.font = "12px system-ui, sans-serif";
      logTicks(Math.exp(low), Math.exp(high), Math.floor(width / 90)).forEach((ns) => {
        context.fillStyle = themeColor("--line");
        context.fillRect(x(Math.log(ns)), 0, 1, bottom);
        context.fillStyle = themeColor("--muted");
        const text = duration(ns);
        const size = context.measureText(text).width;
        context.fillText(text, Math.min(Math.max(0, x(Math.log(ns)) - size / 2), width - size), height - 7);
      });
      steps.forEach((list, side) => {
        const color = themeColor(side === 0 ? "--base" : "--new");
        context.beginPath();
        context.moveTo(x(list[0].from), bottom);
        for (const step of list) {
          const y = bottom - (step.density / highest) * (bottom - 8);
          context.lineTo(x(step.from), y);
          context.lineTo(x(step.to), y);
        }
        context.lineTo(x(list[list.length - 1].to), bottom);
        context.globalAlpha = 0.22;
        context.fillStyle = color;
        context.fill();
        context.globalAlpha = 1;
        context.lineWidth = 2;
        context.strokeStyle = color;
        context.stroke();
      });
    },
    [page],
  );
  return (
    <div class="densities">
      <Canvas height={180} draw={draw} label="Distributions of both sides; the table below has their quantiles" />
      <ul class="legend">
        <li>
          <span class="side base" aria-hidden="true" /> base
        </li>
        <li>
          <span class="side new" aria-hidden="true" /> new
        </li>
      </ul>
    </div>
  );
}

/** From the mean request of the base to that of the new side, state by state. */
function Waterfall({ page }: { page: ComparisonPage }) {
  const changes = page.states_changed;
  const order = changes.state.map((_, i) => i).sort((a, b) => changes.delta_ns[b] - changes.delta_ns[a]);
  const [base, now, delta] = page.whole;
  const steps: { name: string; color: string; from: number; to: number; text: string }[] = [];
  let at = base;
  for (const i of order) {
    if (changes.delta_ns[i] === 0) continue;
    const to = at + changes.delta_ns[i];
    const state = page.states[changes.state[i]];
    steps.push({ name: state.name, color: stateColor(changes.state[i]), from: at, to, text: signed(changes.delta_ns[i]) });
    at = to;
  }
  const edges = [base, now, ...steps.flatMap((step) => [step.from, step.to])];
  // Where all are near each other, the bars do not start at 0: what matters is the change.
  const [low, high] = [Math.min(...edges), Math.max(...edges)];
  const start = low > (high - low) * 4 ? low - (high - low) * 0.25 : Math.min(0, low);
  const part = (ns: number) => ((ns - start) / Math.max(1, high - start)) * 100;
  const row = (name: string, color: string, from: number, to: number, text: string, isSide: boolean) => (
    <li>
      <span class="bandname">{isSide ? <b>{name}</b> : <><Swatch color={color} /> {name}</>}</span>
      <span class="fall">
        <span style={{ left: `${Math.max(0, part(Math.min(from, to)))}%`, width: `${Math.max(0.3, part(Math.max(from, to)) - Math.max(0, part(Math.min(from, to))))}%`, background: color }} />
      </span>
      <span class="bandmean">{text}</span>
    </li>
  );
  const per = page.total ? "all requests" : "a mean request";
  return (
    <Section id="waterfall" title="What explains the change" lead={`By state, of ${per}: the parts add up to ${signed(delta)}.${start > 0 ? ` The bars start at ${duration(start)}.` : ""}`}>
      <ol class="waterfall">
        {row("base", "var(--base)", start, base, duration(base), true)}
        {steps.map((step) => row(step.name, step.color, step.from, step.to, step.text, false))}
        {row("new", "var(--new)", start, now, duration(now), true)}
      </ol>
      <Details title="Table of states">{() => <StateTable page={page} order={order} />}</Details>
    </Section>
  );
}

function StateTable({ page, order }: { page: ComparisonPage; order: number[] }) {
  const c = page.states_changed;
  const rows = order.map((i) => [page.states[c.state[i]].name, duration(c.base_ns[i]), duration(c.new_ns[i]), signed(c.delta_ns[i])]);
  rows.push(["total", duration(page.whole[0]), duration(page.whole[1]), signed(page.whole[2])]);
  return <Table label="Change by state" columns={[{ title: "state" }, { title: "base", right: true }, { title: "new", right: true }, { title: "change", right: true }]} rows={rows} />;
}

function DifferentialFlame({ page, view, show }: { page: ComparisonPage; view: View; show: (change: Partial<View>) => void }) {
  const stacks = useMemo(() => new Stacks(page), [page]);
  const changed = page.stacks_changed;
  const both = useMemo(() => changed.base_ns.map((ns, i) => ns + changed.new_ns[i]), [page]);
  const tree = useMemo(() => buildTree(stacks, changed, both, { own: false, leafFirst: view.leafFirst }), [page, view.leafFirst]);
  const [values, base, now] = useMemo(() => [both, changed.base_ns, changed.new_ns].map((of) => boxValues(tree, of)), [tree]);
  const zoom = useMemo(() => boxAt(tree, view.zoom), [tree, view.zoom]);
  const match = useMemo(() => matcher(view.search), [view.search]);
  const found = useMemo(() => (match ? matches(tree, page.strings, page.states, match) : null), [tree, match]);
  const color = useCallback((box: number) => (box === 0 ? null : { fill: changeColor(base[box], now[box]), isPale: false }), [base, now]);
  const text = (box: number) => {
    if (box === 0) return `${duration(base[0])} → ${duration(now[0])}`;
    return isState(tree.name[box]) ? `[${page.states[stateOf(tree.name[box])].name}]` : stacks.short(tree.frame[box]);
  };
  const describe = (box: number) => {
    const name = box === 0 ? "everything" : boxName(tree, box, page.strings, page.states);
    const mark = box > 0 && base[box] === 0 ? " · new" : box > 0 && now[box] === 0 ? " · gone" : "";
    return `${name} · ${duration(base[box])} → ${duration(now[box])}, ${signed(now[box] - base[box])}${mark}`;
  };
  const search = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const keys = (event: Event) => (event as CustomEvent).detail === "search" && search.current?.focus();
    addEventListener("page-key", keys);
    return () => removeEventListener("page-key", keys);
  }, []);
  return (
    <Section id="flame" title="Differential flame graph" lead="A box is as wide as its time on both sides together. Red took longer than on the base, blue less, grey the same. Click a box to zoom in.">
      <div class="controls">
        <label class="search">
          <span class="sr">Search functions and states</span>
          <input ref={search} type="search" placeholder="search  /" value={view.search} onInput={(event) => show({ search: event.currentTarget.value })} />
        </label>
        {found && (
          <span class="matched" role="status">
            {share(matchedValue(tree, found, values), values[0])} matched, {signed(matchedValue(tree, found, now) - matchedValue(tree, found, base))}
          </span>
        )}
        <Choice label="Order" value={view.leafFirst ? "leaf" : "root"} options={[["root", "root first"], ["leaf", "leaf first"]]} onChange={(order) => show({ leafFirst: order === "leaf", zoom: [] })} />
        <button type="button" disabled={zoom === 0} onClick={() => show({ zoom: [] })}>
          whole
        </button>
      </div>
      {page.filter && (
        <p class="lead">
          Only the stacks of <code>{page.filter}</code>: {signed(now[0] - base[0])} of the {signed(page.whole[2])}.
        </p>
      )}
      <FlameGraph tree={tree} values={values} zoom={zoom} onZoom={(box) => show({ zoom: pathOf(tree, box) })} found={found} color={color} text={text} describe={describe} label={`Differential flame graph: ${text(0)}`} />
    </Section>
  );
}

function Changed({ page }: { page: ComparisonPage }) {
  const stacks = useMemo(() => new Stacks(page), [page]);
  const c = page.stacks_changed;
  const rows = c.stack.map((stack, i) => [
    signed(c.delta_ns[i]),
    c.presence[i] === "both" ? percent(c.delta_ns[i], c.base_ns[i]) : c.presence[i],
    page.states[c.state[i]].name,
    stacks.line(stack, 6),
  ]);
  return (
    <Section id="changed" title="Stacks that changed" lead={`The largest change first${page.filter ? ", of the stacks that are shown" : ""}.`}>
      <Table label="Changes by stack" columns={[{ title: "change", right: true }, { title: "in %", right: true }, { title: "state" }, { title: "stack" }]} rows={rows} most={50} />
    </Section>
  );
}
