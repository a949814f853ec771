// The colour of a change, as in the SVG: red took longer, blue less, the fuller the larger the part that changed.

export interface Rgb {
  r: number;
  g: number;
  b: number;
}

const SAME: Rgb = { r: 0xdd, g: 0xdc, b: 0xd6 };
/** Not green: red and green look the same to many. */
export const SLOWER: Rgb = { r: 0xc0, g: 0x39, b: 0x2b };
export const FASTER: Rgb = { r: 0x2a, g: 0x6f, b: 0xb5 };

export const css = ({ r, g, b }: Rgb): string => `rgb(${Math.round(r)} ${Math.round(g)} ${Math.round(b)})`;

/** `part` of one colour in another. */
export function mix(from: Rgb, to: Rgb, part: number): Rgb {
  const of = (a: number, b: number) => a + (b - a) * part;
  return { r: of(from.r, to.r), g: of(from.g, to.g), b: of(from.b, to.b) };
}

export function changeColor(base: number, now: number): Rgb {
  const both = Math.max(base + now, Number.MIN_VALUE);
  return mix(SAME, now > base ? SLOWER : FASTER, Math.sqrt(Math.abs(now - base) / both));
}

export function parseRgb(hex: string): Rgb {
  const value = Number.parseInt(hex.replace("#", ""), 16) || 0;
  return { r: value >> 16, g: (value >> 8) & 255, b: value & 255 };
}

/** Relative luminance by WCAG 2. */
export function luminance({ r, g, b }: Rgb): number {
  const linear = (c: number) => (c <= 10.31475 ? c / 3294.6 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}

/** Black or white, whichever is easier to read on a colour. */
export function textOn(fill: Rgb): string {
  const brightness = luminance(fill) + 0.05;
  return 1.05 / brightness > brightness / 0.05 ? "#ffffff" : "#000000";
}
