/**
 * Products of one row: decode.
 *
 * deno bench -A bench/decode_bench.ts
 * deno run -A bench/decode_bench.ts [--filter text]
 *
 * @module
 */
import { DECODE_CASES } from "./_decode_cases.ts";
import { runSuite } from "./_suite.ts";

await runSuite({ name: "decode", cases: DECODE_CASES }, import.meta.main);
