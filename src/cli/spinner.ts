import type { PrefillProgress } from "../engine/options.ts";
import type { Io } from "./io.ts";
import { progressLine } from "./progress.ts";

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
 * Shows a line on a terminal that is wiped when disposed of.
 *
 * @param io Where to.
 * @param isShown Whether to show anything.
 * @returns The line.
 */
export function spinner(io: Io, isShown: boolean): Spinner {
  if (!isShown) return { show: () => {}, [Symbol.dispose]: () => {} };
  const line = progressLine(io, false);
  const start = performance.now();
  let reading: PrefillProgress | undefined;
  let frame = 0;
  function draw(): void {
    const turning = FRAMES[frame++ % FRAMES.length];
    const what = describeReading(reading, performance.now() - start);
    line.write(`${turning} ${what}`);
  }
  const timer = setInterval(draw, FRAME_MS);
  return {
    show(next) {
      reading = next;
      draw(); // timers have no turn while a prompt runs
    },
    [Symbol.dispose]: () => {
      clearInterval(timer);
      line[Symbol.dispose]();
    },
  };
}

/**
 * Says how far an answer is.
 *
 * @param reading How much of the prompt was read; nothing if that is not known.
 * @param ms Milliseconds since the beginning.
 * @returns For example `reading 1,234 tokens, 41 %, 2 s`, then `writing, 3 s`.
 */
export function describeReading(
  reading: PrefillProgress | undefined,
  ms: number,
): string {
  const parts = [describeDoing(reading)];
  if (ms >= TIME_AFTER_MS) parts.push(`${Math.floor(ms / 1000)} s`);
  return parts.join(", ");
}

function describeDoing(reading: PrefillProgress | undefined): string {
  if (reading === undefined) return "thinking";
  const { done, total } = reading;
  if (done === total) return "writing";
  const count = total.toLocaleString("en-US");
  const what = `reading ${count} ${total === 1 ? "token" : "tokens"}`;
  return done === 0 ? what : `${what}, ${Math.floor(100 * done / total)} %`;
}
