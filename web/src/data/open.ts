// From the text in the page to its data: base64, gzip, JSON.

import { SCHEMA, type Page } from "./page";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The bytes of a base64 text without spaces. `atob` takes a string for each byte, which is slow for large pages. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const native = (Uint8Array as unknown as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> }).fromBase64;
  if (native) return native.call(Uint8Array, text);
  return decodeByTable(text);
}

/** The same, for browsers that lack it. */
export function decodeByTable(text: string): Uint8Array<ArrayBuffer> {
  const values = new Uint8Array(128);
  for (let i = 0; i < ALPHABET.length; i++) values[ALPHABET.charCodeAt(i)] = i;
  let length = text.length;
  while (length > 0 && text.charCodeAt(length - 1) === 61) length--;
  const out = new Uint8Array((length * 3) >> 2);
  let at = 0;
  for (let i = 0; i < length; i += 4) {
    const word =
      (values[text.charCodeAt(i)] << 18) |
      (values[text.charCodeAt(i + 1) & 127] << 12) |
      (values[text.charCodeAt(i + 2) & 127] << 6) |
      values[text.charCodeAt(i + 3) & 127];
    out[at++] = word >> 16;
    if (at < out.length) out[at++] = word >> 8;
    if (at < out.length) out[at++] = word;
  }
  return out;
}

/** The data in a base64 text. */
export async function open(text: string): Promise<Page> {
  const bytes = decodeBase64(text.trim());
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const page = JSON.parse(await new Response(stream).text()) as Page;
  if (page.schema !== SCHEMA) throw new Error(`the data are of the schema ${page.schema}, not ${SCHEMA}`);
  return page;
}
