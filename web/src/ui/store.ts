// The view that all sections share.

import { createContext } from "preact";
import { useContext, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Chosen, Model } from "../core/model";
import { fromHash, toHash, type View } from "../core/view";

export interface Store {
  model: Model;
  view: View;
  /** The request that is shown by itself: the one that was picked, or else the slowest selected one, with its goroutines if any was
   * kept with them. */
  picked: number | null;
  /** The selected requests that were kept with their goroutines, the slowest first. */
  exemplars: number[];
  /** Null without requests. */
  chosen: Chosen | null;
  /** Changes parts of the view. */
  show: (change: Partial<View>) => void;
}

export const StoreContext = createContext<Store | null>(null);

export function useStore(): Store {
  return useContext(StoreContext)!;
}

/** The view, which the address follows, and which follows the address. `known` leaves out what the page does not have. */
export function useView(known: (view: View) => View): [View, (change: (old: View) => View) => void] {
  const [view, setView] = useState<View>(() => known(fromHash(location.hash)));
  useEffect(() => {
    const read = () => setView(known(fromHash(location.hash)));
    addEventListener("hashchange", read);
    return () => removeEventListener("hashchange", read);
  }, []);
  const before = useRef(view);
  useEffect(() => {
    const hash = toHash(view);
    const write = () => hash !== location.hash.replace(/^#/, "") && history.replaceState(null, "", hash ? `#${hash}` : location.href.split("#")[0]);
    // Keys that are held down zoom many times in a second, and browsers allow fewer changes of the address.
    const isZoom = before.current.window !== view.window && before.current.picked === view.picked;
    before.current = view;
    if (!isZoom) return void write();
    const timer = setTimeout(write, 150);
    return () => clearTimeout(timer);
  }, [view]);
  return [view, setView];
}

/** Makes the store. */
export function useNewStore(model: Model): Store {
  const [view, setView] = useView((of) => known(model, of));
  const { selection, trace, endpoint } = view;
  const chosen = useMemo(() => model.choose(view), [model, selection, trace, endpoint]);
  const exemplars = useMemo(() => (chosen ? model.exemplarsOf(chosen) : []), [model, chosen]);
  const slowest = useMemo(() => (chosen ? (exemplars[0] ?? model.slowestOf(chosen)) : null), [chosen, exemplars]);
  const show = (change: Partial<View>) => setView((old) => changed(model, old, change));
  return { model, view, picked: view.picked ?? slowest, exemplars, chosen, show };
}

/** A view after a change. What was picked before is left where other requests are selected. */
function changed(model: Model, old: View, change: Partial<View>): View {
  const view = { ...old, ...change };
  const isOther = "selection" in change || "trace" in change || "endpoint" in change;
  if (isOther && !("picked" in change) && view.picked !== null && !model.isChosen(view, view.picked)) view.picked = null;
  return view.picked === old.picked || "window" in change || "unfolded" in change ? view : { ...view, window: null, unfolded: [] };
}

/** Without what the page does not have. */
function known(model: Model, view: View): View {
  const { page } = model;
  const n = page.requests?.dur_ns.length ?? 0;
  const picked = view.picked !== null && view.picked < n ? view.picked : null;
  const trace = view.trace !== null && view.trace < page.traces.length ? view.trace : null;
  const endpoint = view.endpoint !== null && page.requests?.root.includes(view.endpoint) ? view.endpoint : null;
  return { ...view, picked, trace, endpoint, metric: model.hasRequests ? view.metric : "goroutine" };
}
