/** Engines in tests. */

import { type Engine, load } from "../mod.ts";
import type { GenerateResult } from "../mod.ts";
import type { LoadOptions } from "../src/engine/load_options.ts";
import { settle } from "./_gpu.ts";
import { shareGpu } from "./_shared_gpu.ts";

shareGpu();

/**
 * Loads a model, lends it to a test, and frees it.
 *
 * @param directory The model.
 * @param options How to load it.
 * @param fn The test.
 * @returns What the test returns.
 */
export async function withEngine<T>(
  directory: string,
  options: LoadOptions,
  fn: (engine: Engine) => Promise<T>,
): Promise<T> {
  try {
    using engine = await load(directory, options);
    return await fn(engine);
  } finally {
    await settle();
  }
}

/**
 * Reads a generation to its end.
 *
 * @param pieces The generation.
 * @returns Its record.
 */
export async function finish(
  pieces: ReturnType<Engine["generate"]>,
): Promise<GenerateResult> {
  for await (const { final } of pieces) if (final) return final;
  throw new Error("The generation ended without a record");
}

/** The largest |a - b|; NaN if there is one. */
export function maxDifference(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
): number {
  if (a.length !== b.length) {
    throw new Error(`There are ${a.length} values, wanted ${b.length}`);
  }
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (Number.isNaN(difference)) return NaN;
    most = Math.max(most, difference);
  }
  return most;
}
