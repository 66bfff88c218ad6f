/**
 * Experts that are not on the GPU, or in slots.
 *
 * deno bench -A bench/offload_bench.ts
 * deno run -A bench/offload_bench.ts [--filter text]
 *
 * @module
 */
import { OFFLOAD_CASES } from "./_offload_cases.ts";
import { runSuite } from "./_suite.ts";

await runSuite({ name: "offload", cases: OFFLOAD_CASES }, import.meta.main);
