/**
 * Ops that move few bytes: latency is what they cost.
 *
 * deno bench -A bench/small_bench.ts
 * deno run -A bench/small_bench.ts [--filter text]
 *
 * @module
 */
import { SMALL_CASES } from "./_small_cases.ts";
import { runSuite } from "./_suite.ts";

await runSuite({ name: "small ops", cases: SMALL_CASES }, import.meta.main);
