/**
 * Runs targets in a process of its own, which may be killed, run out of memory or
 * be refused a file: `deno run _child.ts <job as JSON>`.
 */

import fc from "npm:fast-check@4.11.0";
import { assert } from "@std/assert";
import type { Job, TargetResult, Told } from "./_job.ts";
import type { Target } from "./_target.ts";

/** What one case may leave behind or still hold. */
const MAX_GROWTH_BYTE_LENGTH = 256 * 2 ** 20;

/** The longest input that is shown. */
const SHOWN_LENGTH = 3000;

if (import.meta.main) {
  await runJob(JSON.parse(Deno.args[0]!) as Job);
  Deno.exit(); // servers of targets are still there
}

async function runJob(job: Job): Promise<void> {
  const module = await import(job.module ?? "./targets.ts");
  const targets = module.TARGETS as readonly Target[];
  for (const { name, cases } of job.targets) {
    const target = targets.find((target) => target.name === name)!;
    const result = await runTarget(target, { ...job, cases });
    tell({ kind: "done", result });
  }
}

async function runTarget(
  target: Target,
  { seed, path, limitMs, place, cases }: Job & { readonly cases: number },
): Promise<TargetResult> {
  const begin = performance.now();
  const folder = `${place}/${target.name}`;
  await Deno.mkdir(folder, { recursive: true });
  let number = 0;
  let refused = 0;
  let slowest = { number: 0, ms: 0 };
  const property = fc.asyncProperty(target.inputs, async (input) => {
    const shown = path === undefined ? undefined : show(input);
    tell({
      ...{ kind: "case", target: target.name, number: number++ },
      input: shown,
    });
    const before = Deno.memoryUsage().rss;
    const start = performance.now();
    const verdict = await target.feed(input, { path: folder });
    const ms = performance.now() - start;
    if (ms > slowest.ms) slowest = { number: number - 1, ms };
    if (verdict === "refused") refused++;
    const growth = Deno.memoryUsage().rss - before;
    assert(
      growth < MAX_GROWTH_BYTE_LENGTH,
      `memory grew by ${(growth / 2 ** 20).toFixed(0)} MiB`,
    );
  });
  const details = await fc.check(property, {
    seed,
    numRuns: cases,
    ...path !== undefined && { path },
    ...limitMs !== undefined && { interruptAfterTimeLimit: limitMs },
  });
  const ms = performance.now() - begin;
  const result = { target: target.name, cases: number, refused, ms, slowest };
  if (!details.failed || details.counterexample === null) return result;
  const { counterexample, counterexamplePath, errorInstance } = details;
  return {
    ...result,
    failure: {
      what: describe(errorInstance),
      path: counterexamplePath!,
      input: show(counterexample[0]),
    },
  };
}

/** An input as JavaScript. */
function show(input: unknown): string {
  return fc.stringify(input).slice(0, SHOWN_LENGTH);
}

/** What was thrown, with the stack of what caused it. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stack = (error.stack ?? error.message).split("\n").slice(0, 9)
    .map((line) => line.slice(0, 500)).join("\n");
  if (error.cause === undefined) return stack;
  return `${error.message}\nCaused by: ${describe(error.cause)}`;
}

function tell(told: Told): void {
  const bytes = new TextEncoder().encode(JSON.stringify(told) + "\n");
  for (let at = 0; at < bytes.length;) {
    at += Deno.stdout.writeSync(bytes.subarray(at));
  }
}
