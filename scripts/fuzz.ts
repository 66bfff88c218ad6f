// deno-lint-ignore-file no-console
/**
 * Feeds every reader of the program with broken input, for as long as one wants:
 *
 * ```sh
 * deno task fuzz --minutes 10
 * deno task fuzz --target trace --cases 100000 --seed 7
 * deno task fuzz --target trace --seed 7 --case 4711:0:2
 * ```
 */

import { parseArgs } from "node:util";
import { fuzz } from "../tests/fuzz/_driver.ts";
import { failureText, resultLine } from "../tests/fuzz/_report.ts";
import { TARGETS } from "../tests/fuzz/targets.ts";

/** Enough that time is what ends a target. */
const MANY = 1e9;

/** A case that takes longer hangs. */
const SILENCE_MS = 20_000;

const { values: flags } = parseArgs({
  options: {
    target: { type: "string" },
    cases: { type: "string" },
    minutes: { type: "string" },
    seed: { type: "string" },
    case: { type: "string" },
  },
});
const names = TARGETS.map(({ name }) => name.replaceAll(" ", "-"));
const { target } = flags;
if (target !== undefined && !names.includes(target)) {
  fail(`there is no target ${target}, wanted one of ${names.join(", ")}`);
}
if (flags.case !== undefined && !(target && flags.seed)) {
  fail("--case is of a target and a seed, wanted --target and --seed with it");
}
const seed = whole("seed") ?? crypto.getRandomValues(new Int32Array(1))[0]!;
const minutes = whole("minutes");
const cases = whole("cases");
const chosen = TARGETS.filter((_, i) => names[i] === (target ?? names[i]));
console.log(`seed ${seed}`);
const results = await fuzz({
  targets: chosen.map(({ name, cases: few }) => ({
    name,
    cases: cases ?? (minutes === undefined ? 10 * few : MANY),
  })),
  seed,
  path: flags.case,
  limitMs: minutes === undefined ? undefined : minutes * 60_000 / chosen.length,
  silenceMs: SILENCE_MS,
  onResult: (result) => {
    console.log(resultLine(result));
    const { failure } = result;
    if (failure !== undefined) console.log(failureText(result, seed));
  },
});
const total = results.reduce((sum, result) => sum + result.cases, 0);
const failed = results.filter(({ failure }) => failure !== undefined);
console.log(
  `${total} cases of ${results.length} targets, ${failed.length} failed`,
);
Deno.exit(failed.length > 0 ? 1 : 0);

function whole(name: "cases" | "minutes" | "seed"): number | undefined {
  const text = flags[name];
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!Number.isFinite(number) || text.trim() === "") {
    fail(`--${name} is ${text}, wanted a number`);
  }
  return number;
}

function fail(state: string): never {
  console.error(`error: Cannot fuzz: ${state}`);
  Deno.exit(2);
}
