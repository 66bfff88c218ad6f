/**
 * Attention: of one token at some position, and of many.
 *
 * deno bench -A bench/attention_bench.ts
 * deno run -A bench/attention_bench.ts [--filter text]
 *
 * @module
 */
import { ATTENTION_CASES } from "./_attention_cases.ts";
import { runSuite } from "./_suite.ts";

await runSuite({ name: "attention", cases: ATTENTION_CASES }, import.meta.main);
