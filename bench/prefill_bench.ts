/**
 * Products of many rows, and what stands between them: prefill.
 *
 * deno bench -A bench/prefill_bench.ts
 * deno run -A bench/prefill_bench.ts [--filter text]
 *
 * @module
 */
import { PREFILL_CASES } from "./_prefill_cases.ts";
import { runSuite } from "./_suite.ts";

await runSuite({ name: "prefill", cases: PREFILL_CASES }, import.meta.main);
