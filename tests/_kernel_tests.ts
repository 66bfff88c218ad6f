/** Registers the tests of kernels. */

import { assert, assertEquals } from "@std/assert";
import { gpuTest, SUMMING, type TestGpu } from "./_gpu.ts";
import type { KernelCase } from "./_kernel_case.ts";
import { lendGpu } from "./_shared_gpu.ts";

/** Of those that sum over subgroups: see `reduction()`. */
const SMALLEST_WORKGROUP = 32;

/**
 * Registers a test for each case and each way in which it sums. Cases are in several
 * files, so that they are tested side by side: pipelines take their time.
 *
 * @param cases The cases.
 */
export function kernelTests(cases: readonly KernelCase[]): void {
  for (
    const { name, kernels, summing: ways, options, hasMatmul, run } of cases
  ) {
    if (ways.length === 0) {
      gpuTest(
        name,
        async (test) => {
          await run({ ...test, hasFewShapes: false });
          assertCompiled(test, kernels);
          assert(!SUMMING.some(({ file }) => test.compiled.has(file)));
        },
        options,
        lendGpu,
      );
      continue;
    }
    for (const [i, summing] of ways.entries()) {
      gpuTest(
        `${name}, ${summing.name}`,
        async (test) => {
          await run({ ...test, hasFewShapes: i > 0 });
          assertCompiled(test, kernels);
          const { subgroupSize, isSoftware } = test.gpu;
          if (hasMatmul && isSoftware) assertCompiled(test, summing.matmul);
          const files = SUMMING.map(({ file }) => file)
            .filter((file) => test.compiled.has(file));
          if (subgroupSize === 0) {
            assertEquals(files, ["lib/reduce_workgroup.wgsl"]);
          } else if (subgroupSize < SMALLEST_WORKGROUP) {
            assertEquals(files, [summing.file]);
          }
        },
        summing.options,
        lendGpu,
      );
    }
  }
}

function assertCompiled(
  { compiled }: TestGpu,
  kernels: readonly string[],
): void {
  for (const file of kernels) {
    assert(compiled.has(file), `${file} was not compiled`);
  }
}
