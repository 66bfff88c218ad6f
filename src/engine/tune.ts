/** Finds out how kernels best share their work on a device. */

import type { Gpu } from "../gpu/device.ts";
import type { Tuning } from "../gpu/tuning.ts";
import { warmUp } from "./fastest.ts";
import { median, noise, pickVariant } from "./pick_variant.ts";
import { PassTimer } from "./pass_timer.ts";
import {
  type Knob,
  knobsOf,
  type KnobVariant,
  variantsOf,
} from "./tune_knobs.ts";
import { makeTuneModel } from "./tune_model.ts";

/** Options for {@linkcode tune}. */
export interface TuneOptions {
  /**
   * What to vary.
   *
   * @default {undefined} all there is
   */
  readonly names?: readonly (keyof Tuning)[] | undefined;
  /** Stops before the next measurement when aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Hears what is measured next, and how much of it is done. */
  readonly onProgress?:
    | ((name: keyof Tuning, done: number, total: number) => void)
    | undefined;
}

/** What came of varying something. */
export interface TunedKnob {
  /** What was varied. */
  readonly name: keyof Tuning;
  /** What was in force before. */
  readonly before: number;
  /** What is best; the same if nothing is clearly faster. */
  readonly best: number;
  /** Each value that makes a difference; one alone was not measured. */
  readonly variants: readonly TunedVariant[];
}

/** How fast a value is. */
export interface TunedVariant {
  /** The value. */
  readonly value: number;
  /** Milliseconds of its ops, the median; `null` if there was nothing to compare. */
  readonly ms: number | null;
  /** How much they vary, as a share of the median; `null` likewise. */
  readonly noise: number | null;
}

/** Measurements of a variant; software is slow, and nothing of it speeds up. */
const ROUNDS = { hardware: 61, software: 7 };

/**
 * Varies one thing after the other and keeps what is clearly faster: it is in force
 * on the GPU for those after it, and at the end. Variants take turns, so that a
 * change of the clock meets all of them.
 *
 * @param gpu The GPU, idle; it takes about 1.2 GB of its memory.
 * @param options What to vary.
 * @returns What came of each, as it is done.
 */
export async function* tune(
  gpu: Gpu,
  { names, signal, onProgress }: TuneOptions = {},
): AsyncGenerator<TunedKnob, void> {
  using _buffers = gpu.memory.scope();
  using timer = await PassTimer.create(gpu);
  const knobs = knobsOf(gpu, makeTuneModel(gpu))
    .filter(({ name }) => names?.includes(name) ?? true);
  for (const [i, knob] of knobs.entries()) {
    if (signal?.aborted) return;
    onProgress?.(knob.name, i, knobs.length);
    const tuned = await tuneKnob(gpu, knob, { timer, signal });
    if (tuned === null) return;
    gpu.tuning = { ...gpu.tuning, [tuned.name]: tuned.best };
    yield tuned;
  }
}

/** What a measurement takes. */
interface Measuring {
  readonly timer: PassTimer;
  readonly signal: AbortSignal | undefined;
}

async function tuneKnob(
  gpu: Gpu,
  knob: Knob,
  { timer, signal }: Measuring,
): Promise<TunedKnob | null> {
  const { name } = knob;
  const before = gpu.tuning[name];
  const variants = await variantsOf(gpu, knob);
  if (variants.length === 1) {
    const [{ value }] = variants as [KnobVariant];
    const only = { value, ms: null, noise: null };
    return { name, before, best: before, variants: [only] };
  }
  const times = await timeInTurns(gpu, variants, { timer, signal });
  if (times === null) return null;
  const timed = variants.map(({ value }, i) => ({ value, ms: times[i]! }));
  return {
    name,
    before,
    best: pickVariant(timed, before),
    variants: timed.map(({ value, ms }) => ({
      value,
      ms: median(ms),
      noise: noise(ms),
    })),
  };
}

/** Milliseconds of each variant's ops, round by round; `null` if aborted. */
async function timeInTurns(
  gpu: Gpu,
  variants: readonly KnobVariant[],
  { timer, signal }: Measuring,
): Promise<number[][] | null> {
  const kind = gpu.isSoftware ? "software" : "hardware";
  const time = ({ ops }: KnobVariant) =>
    timer.ms((pass) => {
      for (const op of ops) op.encode(pass, 1);
    });
  await warmUp(gpu, async () => {
    for (const variant of variants) await time(variant);
    return !signal?.aborted;
  });
  const times = variants.map((): number[] => []);
  for (let round = 0; round < ROUNDS[kind]; round++) {
    if (signal?.aborted) return null;
    for (const [i, variant] of variants.entries()) {
      times[i]!.push(await time(variant));
    }
  }
  return times;
}

/**
 * What is worth writing down: the values that are not the defaults.
 *
 * @param knobs What came of varying.
 * @returns Names and values.
 */
export function winnersOf(knobs: readonly TunedKnob[]): Partial<Tuning> {
  return Object.fromEntries(
    knobs.filter(({ best, before }) => best !== before)
      .map(({ name, best }) => [name, best]),
  );
}
