// Keys of the whole page, and the list of them.

import { useEffect, useRef } from "preact/hooks";
import { ALL } from "../core/selection";
import { useStore } from "./store";

export type KeyRows = [string, string][];

const KEYS: KeyRows = [
  ["/", "search the flame graph"],
  ["w a s d, arrows", "in the flame graph: go from box to box; in the timeline: zoom and move"],
  ["Enter", "in the flame graph: zoom into the box"],
  ["n p", "next and previous request with goroutines, of those that are selected"],
  ["Esc", "step by step: leave the search, zoom out, select all requests"],
  ["?", "this list"],
];

/** Listens to keys, and gives the dialog that shows them. `act` says whether it did something. */
export function KeyDialog({ keys, act }: { keys: KeyRows; act: (key: string) => boolean }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target as HTMLElement;
      const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName ?? "");
      if (isTyping && event.key !== "Escape") return;
      if (pressed(event.key, target)) event.preventDefault();
    };
    const pressed = (key: string, target: HTMLElement): boolean => {
      const { open } = dialog.current!;
      if (key === "?") {
        if (open) dialog.current!.close();
        else dialog.current!.showModal();
      } else if (key === "/") {
        dispatchEvent(new CustomEvent("page-key", { detail: "search" }));
      } else if (key === "Escape") {
        if (open) return false;
        act(key);
        target.blur?.();
      } else return act(key);
      return true;
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  });
  return (
    <dialog ref={dialog} aria-labelledby="keys-title">
      <h2 id="keys-title">Keys</h2>
      <dl class="facts">
        {keys.map(([key, text]) => (
          <div>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}

/** The keys of the page of a profile. */
export function Keys() {
  const store = useStore();
  return <KeyDialog keys={KEYS} act={(key) => act(key, store)} />;
}

function act(key: string, { exemplars: order, view, picked, show }: ReturnType<typeof useStore>): boolean {
  if ((key === "n" || key === "p") && order.length > 0) {
    const at = picked === null ? -1 : order.indexOf(picked);
    const next = at < 0 ? 0 : (at + (key === "n" ? 1 : order.length - 1)) % order.length;
    show({ picked: order[next] });
  } else if (key === "Escape") {
    if (view.search) show({ search: "" });
    else if (view.zoom.length > 0) show({ zoom: [] });
    else if (view.window !== null) show({ window: null });
    else show({ selection: ALL, endpoint: null });
  } else return false;
  return true;
}

export function KeysButton() {
  return (
    <button type="button" class="keysbutton" aria-label="Keys" onClick={() => dispatchEvent(new KeyboardEvent("keydown", { key: "?" }))}>
      ?
    </button>
  );
}
