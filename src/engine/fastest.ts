/** How long things take on a GPU that runs at full speed. */

/** Rounds in which nothing gets faster, before that is believed. */
const CALM_ROUNDS = 5;
/** Less than this is within what measurements vary by. */
const GAIN = 0.03;
/**
 * Until a GPU that was idle runs at full speed: an H100 does so after 300 ms, and is
 * 2 to 5 times slower before.
 */
const WARM_UP_MS = 500;
/** A CPU is never idle at a lower speed, and the noise of others has no end. */
const SOFTWARE_ROUNDS = 6;

/**
 * Keeps a GPU busy until it runs at full speed; a CPU does so at once.
 *
 * @param gpu The GPU.
 * @param run Runs something on it, at least once; `false` ends it.
 * @param now The time in milliseconds.
 * @returns What the last run returned.
 */
export async function warmUp(
  gpu: { readonly isSoftware: boolean },
  run: () => Promise<boolean>,
  now: () => number = () => performance.now(),
): Promise<boolean> {
  const start = now();
  while (await run()) {
    if (gpu.isSoftware || now() - start >= WARM_UP_MS) return true;
  }
  return false;
}

/**
 * Times things in turns until nothing gets faster any more, and for at least as long
 * as a GPU may take to reach its full speed; on a CPU a few times. The fastest time of
 * each counts: a machine that is busy for a while is so for all of them.
 *
 * @param gpu What they run on.
 * @param trials Each runs once, and says how many milliseconds that took.
 * @param now The time in milliseconds.
 * @returns The fewest milliseconds of each.
 */
export async function fastestInTurns(
  gpu: { readonly isSoftware: boolean },
  trials: readonly (() => Promise<number>)[],
  now: () => number = () => performance.now(),
): Promise<number[]> {
  const least = trials.map(() => Infinity);
  const start = now();
  let calm = 0;
  const isDone = (round: number) =>
    gpu.isSoftware
      ? round === SOFTWARE_ROUNDS
      : calm >= CALM_ROUNDS && now() - start >= WARM_UP_MS;
  for (let round = 0; !isDone(round); round++) {
    calm++;
    for (const [i, trial] of trials.entries()) {
      const ms = await trial();
      if (ms < least[i]! * (1 - GAIN)) calm = 0;
      least[i] = Math.min(least[i]!, ms);
    }
  }
  return least;
}
