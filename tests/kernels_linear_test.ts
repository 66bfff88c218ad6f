/** The kernels that multiply by a matrix: see `kernels_test.ts`. */

import { kernelTests } from "./_kernel_tests.ts";
import { LINEAR_CASES } from "./_linear_cases.ts";
import { MATMUL_CASES } from "./_matmul_cases.ts";
import { PROJECTION_CASES } from "./_projection_cases.ts";
import { STRIP_CASES } from "./_strip_cases.ts";

kernelTests([
  ...LINEAR_CASES,
  ...STRIP_CASES,
  ...MATMUL_CASES,
  ...PROJECTION_CASES,
]);
