// The page from top to bottom.

import { useMemo } from "preact/hooks";
import { Model } from "../core/model";
import { count, counted, duration } from "../core/units";
import type { Page, ProfilePage, TraceRow } from "../data/page";
import { Compare } from "./Compare";
import { Endpoints } from "./Endpoints";
import { Flame } from "./Flame";
import { Keys, KeysButton } from "./Keys";
import { Findings, Recorded, Wakers, Warnings } from "./Notes";
import { BANDS } from "../core/selection";
import { Requests } from "./Requests";
import { States } from "./States";
import { StoreContext, useNewStore, useStore } from "./store";
import { Timeline } from "./Timeline";
import { Verdict } from "./Verdict";

export function App({ page }: { page: Page }) {
  return page.kind === "comparison" ? (
    <>
      <Head asked={page.title} traces={[]} keys />
      <Compare page={page} />
      <Foot tool={page.tool} />
    </>
  ) : (
    <ProfileApp page={page} />
  );
}

function ProfileApp({ page }: { page: ProfilePage }) {
  const model = useMemo(() => {
    const made = new Model(page);
    // For tests and for the console: the page's own functions on its own data.
    (globalThis as unknown as { gotraceSlice: Model }).gotraceSlice = made;
    return made;
  }, [page]);
  const store = useNewStore(model);
  return (
    <StoreContext.Provider value={store}>
      <Head asked={page.asked} traces={page.traces} keys />
      <SelectionBar />
      <main>
        <Verdict />
        <Findings />
        <Requests />
        <Endpoints />
        <States />
        <Flame />
        <Timeline />
        <Wakers />
        <Warnings warnings={page.warnings} />
        <Recorded facts={page.facts} command={page.command} />
      </main>
      <Foot tool={page.tool} />
      <Keys />
    </StoreContext.Provider>
  );
}

function Head({ asked, traces, keys }: { asked: string; traces: TraceRow[]; keys?: boolean }) {
  const shown = traces.slice(0, 4).map((trace) => {
    const wall = trace.wall_start_ns === null ? "" : ` · ${new Date(trace.wall_start_ns / 1e6).toISOString().slice(0, 19).replace("T", " ")} UTC`;
    return `${trace.name} · Go ${trace.version} · ${duration(trace.window_ns)}${wall}${trace.complete ? "" : " · incomplete"}`;
  });
  return (
    <header>
      <div>
        <h1>{asked}</h1>
        {shown.map((text) => (
          <p class="trace">{text}</p>
        ))}
        {traces.length > 4 && <p class="trace">and {count(traces.length - 4)} more traces</p>}
      </div>
      {keys && <KeysButton />}
    </header>
  );
}

/** What is selected, always in sight, and how to select all again. */
function SelectionBar() {
  const { model, view, chosen, show } = useStore();
  const { selection, endpoint } = view;
  if (!chosen || (selection.kind === "all" && endpoint === null)) return null;
  const parts: string[] = endpoint === null ? [] : [model.page.strings[endpoint]];
  if (selection.kind === "band") parts.push(BANDS.find((band) => band.name === selection.band)!.label);
  else if (selection.kind === "brush") {
    const range = (what: string, from?: number, to?: number) => {
      if (from === undefined && to === undefined) return;
      if (from === undefined) parts.push(`${what} at most ${duration(to!)}`);
      else parts.push(to === undefined ? `${what} at least ${duration(from)}` : `${what} ${duration(from)} – ${duration(to)}`);
    };
    range("took", selection.minNs, selection.maxNs);
    range("started", selection.fromNs, selection.toNs);
  }
  const { selected, all } = chosen;
  return (
    <div class="selectionbar" role="status">
      <span>
        <b>Selection</b> {parts.join(", ")} · {count(selected.requests)} of {counted(all.requests, "request")}
        {selected.requests > 0 && ` · mean ${duration(selected.totalNs / selected.requests)}`}
      </span>
      <button type="button" onClick={() => show({ selection: { kind: "all" }, endpoint: null })}>
        all requests (Esc)
      </button>
    </div>
  );
}

function Foot({ tool }: { tool: string }) {
  return <footer>Made by gotrace-slice {tool}. This file holds all of its data and asks no server for anything.</footer>;
}
