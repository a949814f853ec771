// A canvas as wide as its place, sharp on every screen, and drawn again when it must be.

import type { HTMLAttributes } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { onPrint, useTheme } from "./theme";

interface Props extends Omit<HTMLAttributes<HTMLCanvasElement>, "label"> {
  height: number;
  /** Draws on `width` × `height` CSS pixels. */
  draw: (context: CanvasRenderingContext2D, width: number, height: number) => void;
  /** What is to be seen, in words. */
  label: string;
  onWidth?: (width: number) => void;
}

export function Canvas({ height, draw, label, onWidth, ...rest }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const theme = useTheme();
  useLayoutEffect(() => {
    const measure = () => setWidth(canvas.current!.parentElement!.clientWidth);
    const observer = new ResizeObserver(measure);
    observer.observe(canvas.current!.parentElement!);
    measure();
    const stop = onPrint(measure);
    return () => {
      observer.disconnect();
      stop();
    };
  }, []);
  useLayoutEffect(() => onWidth?.(width), [width]);
  useLayoutEffect(() => {
    const element = canvas.current!;
    if (width === 0) return;
    const scale = window.devicePixelRatio || 1;
    element.width = Math.round(width * scale);
    element.height = Math.round(height * scale);
    const context = element.getContext("2d")!;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    draw(context, width, height);
  }, [draw, width, height, theme]);
  const style = { width: `${width}px`, height: `${height}px` };
  return <canvas ref={canvas} role="img" aria-label={label} style={style} {...rest} />;
}

/** A text shortened to what fits. */
export function fitted(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (width < 14) return "";
  if (context.measureText(text).width <= width) return text;
  let [low, high] = [0, text.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(`${text.slice(0, middle)}…`).width <= width) low = middle;
    else high = middle - 1;
  }
  return low < 2 ? "" : `${text.slice(0, low)}…`;
}
