// The answer, how long requests took, and how sure that is.

import { CUT_END, CUT_START, INFERRED, MAY_BE_SEVERAL, type ProfilePage } from "../data/page";
import { count, counted, duration, share } from "../core/units";
import { Command } from "./parts";
import { useStore } from "./store";

export function Verdict() {
  const { page } = useStore().model;
  const isCommand = page.next?.startsWith("gotrace-slice") ?? false;
  return (
    <section id="verdict" aria-label="Answer">
      <p class="answer">{page.answer || without(page)}</p>
      {page.latency && <Figures page={page} />}
      <ul class="sureness">
        {sureness(page).map((text) => (
          <li>{text}</li>
        ))}
      </ul>
      {page.next && !isCommand && <p class="lead">Next: {page.next}</p>}
      {page.next && isCommand && (
        <>
          <p class="lead">Next:</p>
          <Command text={page.next} />
        </>
      )}
    </section>
  );
}

/** What there is to say without an answer. */
function without(page: ProfilePage): string {
  return page.requests ? "No whole request was found in this slice." : "";
}

function Figures({ page }: { page: ProfilePage }) {
  const l = page.latency!;
  const figures: [string, string][] = [
    ["requests", count(l.count)],
    ["p50", duration(l.p50_ns)],
    ["p90", duration(l.p90_ns)],
    ["p95", duration(l.p95_ns)],
    ["p99", duration(l.p99_ns)],
    ["slowest", duration(l.max_ns)],
    ["mean", duration(l.mean_ns)],
  ];
  return (
    <dl class="figures">
      {figures.map(([name, value]) => (
        <div>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What the numbers do not know. */
function sureness(page: ProfilePage): string[] {
  const items: string[] = [];
  const flags = page.requests?.flags ?? [];
  const having = (of: number[], bit: number) => of.reduce((n, flag) => n + (flag & bit ? 1 : 0), 0);
  if (page.only) items.push(`Only requests chosen by ${page.only} count.`);
  const undecided = page.undecided.dur_ns.length;
  if (undecided > 0) items.push(`${counted(undecided, "request")} ${page.all_endpoints ? "of unknown handler: they left no stack of it." : "undecided: nothing in the trace decides whether they are of these roots."}`);
  if (page.cut && page.cut.flags.length > 0) {
    const [open, older] = [having(page.cut.flags, CUT_END), having(page.cut.flags, CUT_START)];
    const how = [open > 0 && `${count(open)} not over at the end`, older > 0 && `${count(older)} began before`].filter(Boolean);
    items.push(`${counted(page.cut.flags.length, "request")} cut by an edge and not counted (${how.join(", ")}).`);
  }
  const several = having(flags, MAY_BE_SEVERAL);
  if (several > 0) items.push(`${counted(several, "request")} may be several calls each.`);
  const inferred = having(flags, INFERRED) - several;
  if (inferred > 0) items.push(`${counted(inferred, "request")} with inferred edges: at most as long as shown.`);
  if (!page.complete) items.push("Part of the trace is missing: see the warnings.");
  const more = page.more.ns.reduce((sum, ns) => sum + ns, 0);
  if (more > 0) {
    const whole = page.requests!.dur_ns.reduce((sum, ns) => sum + ns, 0);
    items.push(`Of ${share(more, whole)} of the requests' time the page has stacks for all together alone: a selection shows it by state.`);
  }
  return items;
}
