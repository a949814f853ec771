// The data of a page, as `docs/page.md` has them: schema gotrace-slice/page/1. Times are in ns.

export interface TraceRow {
  name: string;
  version: string;
  duration_ns: number;
  window_ns: number;
  wall_start_ns: number | null;
  events: number;
  goroutines: number;
  gomaxprocs: number | null;
  complete: boolean;
}

export interface LatencyRow {
  count: number;
  min_ns: number;
  mean_ns: number;
  p50_ns: number;
  p90_ns: number;
  p95_ns: number;
  p99_ns: number;
  max_ns: number;
  total_ns: number;
  histogram: number[];
}

/** Requests in columns, all of one length. */
export interface RequestColumns {
  trace: number[];
  goid: number[];
  start_ns: number[];
  dur_ns: number[];
  at_least_ns: number[];
  root: number[];
  flags: number[];
}

/** Bits of `flags`. */
export const PARTIAL = 1;
export const INFERRED = 2;
export const MAY_BE_SEVERAL = 4;
export const CUT_START = 8;
export const CUT_END = 16;

/** Of each request how many pieces it has; then the pieces of all, one request after the other. */
export interface PieceColumns {
  count: number[];
  sample: number[];
  ns: number[];
}

export interface MoreColumns {
  request: number[];
  state: number[];
  ns: number[];
}

/** Who ended each request's waits, in rows like pieces. */
export interface WaitColumns {
  count: number[];
  wakeup: number[];
  waits: number[];
  ns: number[];
  max_ns: number[];
}

export interface UndecidedColumns {
  trace: number[];
  goid: number[];
  start_ns: number[];
  dur_ns: number[];
  /** 1 where it likely is of the roots. */
  likely: number[];
  /** The goroutine of the connection that it came in on; -1 where nobody knows it. */
  connection: number[];
}

export interface SampleColumns {
  stack: number[];
  state: number[];
  detail: number[];
  precision: number[];
  root: number[];
  waited_in: number[];
  latency_ns: number[];
  goroutine_ns: number[];
  events: number[];
}

export interface LaneRow {
  goid: number;
  entry: number;
  runs: number;
  parent: number | null;
  kind: string;
  path_ns: number;
  start_ns: number[];
  dur_ns: number[];
  state: number[];
  /** Node of its stack; 0 where it has several, or none is known. */
  stack: number[];
  more_pieces: number;
}

export interface PathColumns {
  start_ns: number[];
  dur_ns: number[];
  lane: number[];
  goid: number[];
  state: number[];
  stack: number[];
}

/** Who ended the wait of whom, in order of time. */
export interface HandOverColumns {
  at_ns: number[];
  /** Lanes; -1 where they are not shown. */
  from: number[];
  from_goid: number[];
  to: number[];
  to_goid: number[];
  /** What the second one waited in; -1 where the first one created it then. */
  state: number[];
  /** Node of the stack on which it waited; 0 where none is known. */
  stack: number[];
}

export interface Exemplar {
  request: number;
  lanes: LaneRow[];
  more_lanes: number;
  path: PathColumns;
  hand_overs: HandOverColumns;
  more_pieces: number;
}

export interface WakeupRow {
  waiting: number;
  state: string;
  detail: string;
  who: string;
  waker: number;
  waker_entry: number;
  count: number;
  wait_ns: number;
  max_ns: number;
}

export interface FindingRow {
  id: string;
  important: boolean;
  text: string;
}

export interface WarningRow {
  id: string;
  message: string;
  data_lost: boolean;
}

export interface SpanColumns {
  trace: number[];
  start_ns: number[];
  dur_ns: number[];
}

export interface FrameColumns {
  function: number[];
  short: number[];
  file: number[];
  line: number[];
  own: number[];
  pseudo: number[];
}

/** Of each node but the first, which is the empty stack, its parent and its frame. */
export interface StackColumns {
  parent: number[];
  frame: number[];
}

export interface StateRow {
  name: string;
  /** Its colour on light paper, `#rrggbb`. */
  light: string;
  /** Its colour on dark paper. */
  dark: string;
}

interface Tables {
  stacks: StackColumns;
  frames: FrameColumns;
  states: StateRow[];
  strings: string[];
}

export interface ProfilePage extends Tables {
  schema: string;
  tool: string;
  kind: "profile";
  title: string;
  asked: string;
  /** Whether that is all requests of the servers. */
  all_endpoints: boolean;
  complete: boolean;
  metric: "latency" | "goroutine" | "events";
  traces: TraceRow[];
  answer: string;
  next: string | null;
  facts: [string, string][];
  command: string | null;
  one_request: (string | null)[];
  latency: LatencyRow | null;
  requests: RequestColumns | null;
  only: string | null;
  cut: RequestColumns | null;
  /** Requests that may be of the roots too: nothing in the trace decides it. */
  undecided: UndecidedColumns;
  pieces: PieceColumns | null;
  /** Time of which the stacks were not kept. */
  more: MoreColumns;
  waits: WaitColumns | null;
  collector: SpanColumns;
  stopped: SpanColumns;
  samples: SampleColumns;
  /** What chose the stacks; from the sample `left_out` on they are what was filtered out, by state. Null where all are there. */
  filter: { options: string; left_out: number } | null;
  exemplars: Exemplar[];
  wakeups: WakeupRow[];
  findings: FindingRow[];
  warnings: WarningRow[];
}

export interface ChangeRow {
  name: string;
  base_ns: number;
  new_ns: number;
  delta_ns: number;
  low_ns: number;
  high_ns: number;
  clear: boolean;
}

export interface SideRow {
  asked: string;
  traces: TraceRow[];
  requests: string;
  latency: LatencyRow;
}

export interface ComparisonPage extends Tables {
  schema: string;
  tool: string;
  kind: "comparison";
  title: string;
  complete: boolean;
  answer: string;
  notes: string[];
  facts: [string, string][];
  command: string | null;
  total: boolean;
  base: SideRow;
  new: SideRow;
  quantiles: ChangeRow[];
  whole: [number, number, number];
  states_changed: { state: number[]; base_ns: number[]; new_ns: number[]; delta_ns: number[] };
  stacks_changed: {
    stack: number[];
    state: number[];
    base_ns: number[];
    new_ns: number[];
    delta_ns: number[];
    presence: ("new" | "gone" | "both")[];
  };
  /** The options that chose the stacks; null where all are there. */
  filter: string | null;
  warnings: WarningRow[];
}

export type Page = ProfilePage | ComparisonPage;

export const SCHEMA = "gotrace-slice/page/1";
