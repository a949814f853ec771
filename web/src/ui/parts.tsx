// Small parts that several sections share.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { counted } from "../core/units";

export function Section({ id, title, lead, children }: { id: string; title: string; lead?: ComponentChildren; children: ComponentChildren }) {
  return (
    <section id={id} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      {lead && <p class="lead">{lead}</p>}
      {children}
    </section>
  );
}

/** The colour of a state beside its name. */
export function Swatch({ color }: { color: string }) {
  return <span class="swatch" aria-hidden="true" style={{ background: color }} />;
}

/** A command or a name to copy. */
export function Copy({ text }: { text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      copyBySelection(text);
    }
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <button type="button" class="copy" onClick={copy} aria-label={`Copy: ${text}`}>
      {copied ? "copied" : "copy"}
    </button>
  );
}

/** For files opened from disk, where some browsers have no clipboard. */
function copyBySelection(text: string): void {
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

export function Command({ text }: { text: string }) {
  return (
    <p class="command">
      <code>{text}</code> <Copy text={text} />
    </p>
  );
}

export interface Column {
  title: string;
  /** Numbers stand on the right. */
  right?: boolean;
}

/** A table beside a drawing; what is beyond `most` rows is counted. */
interface TableProps {
  label: string;
  columns: Column[];
  rows: ComponentChildren[][];
  most?: number;
  total?: number;
}

/** A table of the first rows; `total` says how many there are where not all are given. */
export function Table({ label, columns, rows, most = 100, total = rows.length }: TableProps) {
  const shown = rows.slice(0, most);
  return (
    <div class="table" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th scope="col" class={column.right ? "right" : ""}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr>
              {row.map((cell, i) => (
                <td class={columns[i].right ? "right" : ""}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {total > shown.length && <p class="more">… {counted(total - shown.length, "more row")}</p>}
    </div>
  );
}

/** A table that is there when it is asked for. */
export function Details({ title, children }: { title: string; children: () => ComponentChildren }) {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen((event.currentTarget as HTMLDetailsElement).open)}>
      <summary>{title}</summary>
      {open && children()}
    </details>
  );
}

/** A choice of a few. */
export function Choice<T extends string>(props: {
  label: string;
  value: T;
  options: [T, string][];
  disabled?: boolean;
  onChange: (value: T) => void;
}) {
  return (
    <div class="choice" role="group" aria-label={props.label}>
      {props.options.map(([value, text]) => (
        <button type="button" aria-pressed={props.value === value} disabled={props.disabled} onClick={() => props.onChange(value)}>
          {text}
        </button>
      ))}
    </div>
  );
}
