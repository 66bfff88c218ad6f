/** What `kernels_test.ts` runs. */

import type { GpuOptions } from "../src/gpu/device.ts";
import type { Summing, TestGpu } from "./_gpu.ts";

/** A test of some kernels against the reference. */
export interface KernelCase {
  /** Symbol and behaviour. */
  readonly name: string;
  /** The WGSL files that it must compile; besides them `lib/reduce_*`. */
  readonly kernels: readonly string[];
  /** In which ways they sum over a workgroup, if they do: it runs for each. */
  readonly summing: readonly Summing[];
  /** Whether it multiplies many rows. */
  readonly hasMatmul?: boolean;
  /** How to open the GPU where nothing is summed that way. */
  readonly options?: GpuOptions;
  /** The test. */
  readonly run: (test: KernelTest) => Promise<void>;
}

/**
 * Whether there is time for what other cases have shown: with `MOENO_LONG=1`
 * every way of summing and every number of bits gets all shapes. On a CPU nearly
 * all of the time of these tests goes into compiling pipelines, half a second each.
 */
export const IS_LONG = Deno.env.has("MOENO_LONG");

/** Numbers of rows: one, some, and around the tiles of 32. */
export const TOKEN_COUNTS = [1, 2, 7, 31, 32, 33, 65];

/** The most rows of {@linkcode TOKEN_COUNTS}. */
export const TOKEN_LIMIT = Math.max(...TOKEN_COUNTS);

/** What a case gets. */
export interface KernelTest extends TestGpu {
  /** Whether another way of summing has had all shapes. */
  readonly hasFewShapes: boolean;
}
