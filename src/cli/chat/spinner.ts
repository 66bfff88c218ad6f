import type { PrefillProgress } from "../../engine/options.ts";
import type { Io } from "../io.ts";

/** What turns. */
const FRAMES = "|/-\\";
const FRAME_MS = 100;

/** Milliseconds before the time is shown. */
const TIME_AFTER_MS = 1000;

/** A line that says what goes on until an answer begins. */
export interface Spinner extends Disposable {
  /** Says how much of the prompt was read. */
  show(reading: PrefillProgress): void;
}

/**
 * Shows a line on stderr that is wiped when disposed of.
 *
 * @param io Where to.
 * @param isShown Whether to show anything.
 * @returns The line.
 */
export function spinner(io: Io, isShown: boolean): Spinner {
  if (!isShown) return { show: () => {}, [Symbol.dispose]: () => {} };
  const start = performance.now();
  let reading: PrefillProgress | undefined;
  let frame = 0;
  let isDrawn = false;
  function draw(): void {
    const turning = FRAMES[frame++ % FRAMES.length];
    const line = describeReading(reading, performance.now() - start);
    io.err(`\r${turning} ${line}\x1b[K`);
    isDrawn = true;
  }
  const timer = setInterval(draw, FRAME_MS);
  return {
    show(next) {
      reading = next;
      draw(); // timers have no turn while a prompt runs
    },
    [Symbol.dispose]: () => {
      clearInterval(timer);
      if (isDrawn) io.err("\r\x1b[K");
      isDrawn = false; // what comes next on this line stays
    },
  };
}

/**
 * Says how far the reading of a prompt is.
 *
 * @param reading How far; nothing if that is not known.
 * @param ms Milliseconds since the beginning.
 * @returns For example `reading 1,234 tokens, 41 %, 2 s`.
 */
export function describeReading(
  reading: PrefillProgress | undefined,
  ms: number,
): string {
  const parts = ["thinking"];
  if (reading !== undefined) {
    const { done, total } = reading;
    const count = total.toLocaleString("en-US");
    parts[0] = `reading ${count} ${total === 1 ? "token" : "tokens"}`;
    if (done > 0) parts.push(`${Math.floor(100 * done / total)} %`);
  }
  if (ms >= TIME_AFTER_MS) parts.push(`${Math.floor(ms / 1000)} s`);
  return parts.join(", ");
}
