// Stacks as lists of frames, and one-line texts of them.

import type { FrameColumns, Page, StackColumns } from "../data/page";

/** Frames of a stack that are followed at most: joined stacks can be any length. */
const MAX_FRAMES = 1024;
const AFTER_LAST_STACK = "[after the last stack]";

/** Names and stacks of a page. */
export class Stacks {
  readonly stacks: StackColumns;
  readonly frames: FrameColumns;
  readonly strings: string[];

  constructor(page: Page) {
    this.stacks = page.stacks;
    this.frames = page.frames;
    this.strings = page.strings;
  }

  /** The frames of a stack, innermost first; the outermost of very long ones are left out. */
  frameIndexes(leaf: number): number[] {
    const frames: number[] = [];
    for (let node = leaf; node > 0 && frames.length < MAX_FRAMES; node = this.stacks.parent[node - 1]) {
      frames.push(this.stacks.frame[node - 1]);
    }
    return frames;
  }

  /** The frames of the goroutine that a stack is about, innermost first: without its creator's and without those that waited. */
  ownFrameIndexes(leaf: number): number[] {
    const all = this.frameIndexes(leaf);
    const start = all.findIndex((frame) => this.name(frame) !== AFTER_LAST_STACK);
    if (start < 0) return [];
    const end = all.findIndex((frame, i) => i >= start && this.frames.pseudo[frame] === 1);
    return all.slice(start, end < 0 ? undefined : end);
  }

  /** The function of a frame with its package path. */
  name(frame: number): string {
    return this.strings[this.frames.function[frame]];
  }

  /** The function of a frame as reports show it. */
  short(frame: number): string {
    return this.strings[this.frames.short[frame]];
  }

  /** `user.go:12`; empty when the file is unknown. */
  place(frame: number): string {
    const file = this.strings[this.frames.file[frame]];
    if (!file || this.frames.pseudo[frame]) return "";
    const base = file.split(/[/\\]/).pop()!;
    return this.frames.line[frame] > 0 ? `${base}:${this.frames.line[frame]}` : base;
  }

  /** The innermost functions of a stack on one line, outermost first: from the program's own innermost one on. */
  line(leaf: number, most = 4): string {
    const frames = this.ownFrameIndexes(leaf);
    if (frames.length === 0) return "";
    const own = frames.findIndex((frame) => this.frames.own[frame] === 1);
    const shown = frames.slice(0, Math.min(own < 0 ? most : Math.max(own + 1, 1), most));
    if (own >= most) shown[shown.length - 1] = frames[own];
    return shown
      .reverse()
      .map((frame, i) => (i === 0 && own >= 0 && this.place(frame) ? `${this.short(frame)} (${this.place(frame)})` : this.short(frame)))
      .join(" → ");
  }

  /** The whole stack as text, innermost first, a frame on each line. */
  text(leaf: number): string {
    const line = (frame: number) => `${this.name(frame)}  ${this.place(frame)}`.trimEnd();
    return this.frameIndexes(leaf).map(line).join("\n");
  }
}
