/**
 * Every kernel in every variant against `plain_math.ts`, on the adapter of this
 * machine; those that read matrices in `kernels_linear_test.ts` and
 * `kernels_experts_test.ts`.
 */

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { ARGMAX_CASES } from "./_argmax_cases.ts";
import { ATTENTION_CASES } from "./_attention_cases.ts";
import { ATTENTION_DECODE_CASES } from "./_attention_decode_cases.ts";
import { COPY_CASES } from "./_copy_cases.ts";
import { EXPERT_CASES } from "./_expert_cases.ts";
import { spread } from "../src/ops/op.ts";
import { SUMMING } from "./_gpu.ts";
import { LINEAR_CASES } from "./_linear_cases.ts";
import type { KernelCase } from "./_kernel_case.ts";
import { kernelTests } from "./_kernel_tests.ts";
import { MATMUL_CASES } from "./_matmul_cases.ts";
import { NORM_CASES } from "./_norm_cases.ts";
import { PROJECTION_CASES } from "./_projection_cases.ts";
import { READ_CASES } from "./_read_cases.ts";
import { RESIDENCY_CASES } from "./_residency_cases.ts";
import { ROPE_CASES } from "./_rope_cases.ts";
import { STRIP_CASES } from "./_strip_cases.ts";
import { ROUTE_CASES } from "./_route_cases.ts";
import { STAGE_CASES } from "./_stage_cases.ts";

const KERNELS = fromFileUrl(new URL("../kernels", import.meta.url));

/** Those of other files, too. */
const CASES: readonly KernelCase[] = [
  ...LINEAR_CASES,
  ...STRIP_CASES,
  ...MATMUL_CASES,
  ...PROJECTION_CASES,
  ...NORM_CASES,
  ...ROPE_CASES,
  ...ATTENTION_CASES,
  ...ATTENTION_DECODE_CASES,
  ...ROUTE_CASES,
  ...RESIDENCY_CASES,
  ...EXPERT_CASES,
  ...COPY_CASES,
  ...READ_CASES,
  ...STAGE_CASES,
  ...ARGMAX_CASES,
];

kernelTests([
  ...NORM_CASES,
  ...ROPE_CASES,
  ...ATTENTION_CASES,
  ...ATTENTION_DECODE_CASES,
  ...ROUTE_CASES,
  ...RESIDENCY_CASES,
  ...COPY_CASES,
  ...READ_CASES,
  ...STAGE_CASES,
  ...ARGMAX_CASES,
]);

Deno.test("every file in kernels/ is reached by a test", () => {
  const files = [KERNELS, `${KERNELS}/lib`].flatMap((folder) =>
    [...Deno.readDirSync(folder)]
      .filter(({ name }) => name.endsWith(".wgsl"))
      .map(({ name }) => folder === KERNELS ? name : `lib/${name}`)
  );
  const reached = new Set(CASES.flatMap(({ kernels }) => kernels));
  for (const { file, matmul } of SUMMING) {
    for (const name of [file, ...matmul]) reached.add(name);
  }
  assertEquals(files.sort(), [...reached].sort());
});

Deno.test("spread() keeps each dimension below 65,536 and loses no workgroup", () => {
  for (const z of [1, 8]) {
    for (
      const count of [
        1,
        2,
        65_535,
        65_536,
        65_537,
        131_070,
        131_071,
        10_000_019,
      ]
    ) {
      const grid = spread(count, z);
      assert(grid[0] * grid[1] >= count, `${count}: ${grid}`);
      // At most one workgroup too many for each row of the grid.
      assert(grid[0] * grid[1] < count + grid[1], `${count}: ${grid}`);
      assert(grid.every((n) => n >= 1 && n <= 65_535), `${count}: ${grid}`);
      assertEquals(grid[2], z);
    }
  }
});
