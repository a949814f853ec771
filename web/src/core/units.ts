// Numbers as text, in the words of the report for terminals (src/render/units.rs).

const UNITS: [number, string][] = [
  [1e3, "µs"],
  [1e6, "ms"],
  [1e9, "s"],
];

/** Three significant digits in the largest fitting unit: `18.2 ms`, `61 ns`. */
export function duration(ns: number): string {
  if (ns < 1000) return `${ns < 10 && ns % 1 !== 0 ? ns.toFixed(1) : Math.round(ns)} ns`;
  for (const [per, suffix] of UNITS) {
    for (const decimals of [2, 1, 0]) {
      const factor = 10 ** decimals;
      const scaled = Math.floor((ns * factor) / per + 0.5);
      if (scaled < 1000) return `${(scaled / factor).toFixed(decimals)} ${suffix}`;
    }
  }
  return `${count(Math.round(ns / 1e9))} s`;
}

/** With its sign: `+2.80 ms`, `−61 ns`, `0 ns`. */
export function signed(ns: number): string {
  return (ns > 0 ? "+" : ns < 0 ? "−" : "") + duration(Math.abs(ns));
}

/** A whole number, its thousands set apart. */
export function count(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, " ");
}

/** `1 request`, `214 requests`. */
export function counted(n: number, noun: string): string {
  return `${count(n)} ${noun}${n === 1 ? "" : "s"}`;
}

/** A part of a whole: `43.1%`; `<0.1%` for what is there and rounds to nothing. */
export function share(part: number, whole: number): string {
  if (whole <= 0) return "–";
  const tenths = Math.round((part / whole) * 1000);
  if (tenths === 0 && part > 0) return "<0.1%";
  return `${(tenths / 10).toFixed(1)}%`;
}

/** A change in percent: `+43%`, `−0.4%`; nothing where there was nothing. */
export function percent(delta: number, of: number): string {
  if (of <= 0) return "";
  const tenths = Math.round((Math.abs(delta) / of) * 1000);
  const sign = tenths === 0 ? "" : delta > 0 ? "+" : "−";
  return tenths < 100 ? `${sign}${(tenths / 10).toFixed(1)}%` : `${sign}${count(Math.round(tenths / 10))}%`;
}

const FACTORS: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9 };

/** What somebody typed as a duration, in ns: `1.5ms`, `20 µs`; a number alone is in ms. None where it is no duration. */
export function parseDuration(text: string): number | null {
  const match = /^\s*([\d.,\s]+?)\s*(ns|us|µs|μs|ms|s)?\s*$/.exec(text);
  if (!match) return null;
  const value = Number(match[1].replace(/\s/g, "").replace(",", "."));
  return Number.isFinite(value) ? Math.round(value * FACTORS[match[2] ?? "ms"]) : null;
}
