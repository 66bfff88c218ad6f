import type { Progress } from "../model/upload.ts";

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

/** A time for people: `1 h 23 min`, `4 min 5 s`, `6 s`. */
function formatTime(seconds: number): string {
  const s = Math.ceil(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
}
