/** The kernels of experts: see `kernels_test.ts`. */

import { EXPERT_CASES } from "./_expert_cases.ts";
import { kernelTests } from "./_kernel_tests.ts";

kernelTests(EXPERT_CASES);
