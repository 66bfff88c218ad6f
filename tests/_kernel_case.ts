/** What `kernels_test.ts` runs. */

import type { TestGpu } from "./_gpu.ts";

/** A test of some kernels against the reference. */
export interface KernelCase {
  /** Symbol and behaviour. */
  readonly name: string;
  /** The WGSL files that it must compile; besides them `lib/reduce_*`. */
  readonly kernels: readonly string[];
  /** Whether they sum over a workgroup: then it runs for each way of that. */
  readonly reduces: boolean;
  /** The test; with few shapes if another way has had them all. */
  readonly run: (test: TestGpu & { hasFewShapes: boolean }) => Promise<void>;
}

/** Numbers of rows: one, some, and around the tiles of 32. */
export const TOKEN_COUNTS = [1, 2, 7, 31, 32, 33, 65];

/** The most rows of {@linkcode TOKEN_COUNTS}. */
export const TOKEN_LIMIT = Math.max(...TOKEN_COUNTS);
