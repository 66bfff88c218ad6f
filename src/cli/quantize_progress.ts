import type { Progress } from "../model/upload.ts";
import { formatTime } from "./format_time.ts";

/**
 * Adds speed and time left to a progress in weights.
 *
 * @param show Shows a progress.
 * @param now The time in milliseconds; for tests.
 * @returns What to call with each progress.
 */
export function quantizeProgress(
  show: (progress: Progress) => void,
  now: () => number = () => performance.now(),
): (progress: Progress) => void {
  const start = now();
  return ({ what, done, total }) => {
    const seconds = (now() - start) / 1000;
    if (done === 0 || seconds <= 0) return show({ what, done, total });
    const speed = done / seconds;
    const left = formatTime((total - done) / speed);
    const rate = (speed / 1e6).toFixed(1);
    show({
      what: `${what}: ${rate} M weights/s, ${left} left,`,
      done,
      total,
    });
  };
}
