/**
 * Every kernel in every variant against `reference.ts`, on the adapter of this
 * machine.
 */

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { ATTENTION_CASES } from "./_attention_cases.ts";
import { EXPERT_CASES } from "./_expert_cases.ts";
import { gpuTest, gpuTests } from "./_gpu.ts";
import { LINEAR_CASES } from "./_linear_cases.ts";
import type { KernelCase } from "./_kernel_case.ts";
import { NORM_CASES } from "./_norm_cases.ts";
import { ROPE_CASES } from "./_rope_cases.ts";

const KERNELS = fromFileUrl(new URL("../kernels", import.meta.url));
const REDUCTIONS = ["lib/reduce_subgroup.wgsl", "lib/reduce_workgroup.wgsl"];

const CASES: readonly KernelCase[] = [
  ...LINEAR_CASES,
  ...NORM_CASES,
  ...ROPE_CASES,
  ...ATTENTION_CASES,
  ...EXPERT_CASES,
];

for (const { name, kernels, reduces, run } of CASES) {
  const register = reduces ? gpuTests : gpuTest;
  register(name, async (test) => {
    await run(test);
    for (const file of kernels) {
      assert(test.compiled.has(file), `${file} was not compiled`);
    }
    const isReduced = REDUCTIONS.some((file) => test.compiled.has(file));
    assertEquals(isReduced, reduces);
    if (test.gpu.subgroupSize === 0) {
      assert(!test.compiled.has("lib/reduce_subgroup.wgsl"));
    }
  });
}

Deno.test("every file in kernels/ is reached by a test", () => {
  const files = [KERNELS, `${KERNELS}/lib`].flatMap((folder) =>
    [...Deno.readDirSync(folder)]
      .filter(({ name }) => name.endsWith(".wgsl"))
      .map(({ name }) => folder === KERNELS ? name : `lib/${name}`)
  );
  const reached = new Set(CASES.flatMap(({ kernels }) => kernels));
  for (const file of REDUCTIONS) reached.add(file);
  assertEquals(files.sort(), [...reached].sort());
});
