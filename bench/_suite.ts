// deno-lint-ignore-file no-console
/** Runs the cases of a suite, by `deno bench` or by `deno run`. */

import { parseArgs } from "@std/cli";
import { median } from "../src/engine/pick_variant.ts";
import { Gpu } from "../src/gpu/device.ts";
import { type BenchCase, type BenchOps, type Lab, makeLab } from "./_lab.ts";
import { measurePeaks } from "./_peak.ts";
import { reportOf, type Row } from "./_report.ts";
import { Timer } from "./_time.ts";

/** A suite that is measured. */
export interface Suite {
  /** What its cases have in common. */
  readonly name: string;
  /** The cases. */
  readonly cases: readonly BenchCase[];
}

/**
 * Runs a suite on the GPU of this machine. `deno run` prints a table of medians of
 * 9 passes; `deno bench` prints its own times, of passes of several ops, and then
 * the table. The flag `--filter <text>` picks cases by their names in the former.
 *
 * @param suite The suite.
 * @param isMain Whether `deno run` runs it: `import.meta.main`.
 */
export async function runSuite(suite: Suite, isMain: boolean): Promise<void> {
  const gpu = await Gpu.open();
  const lab = makeLab(gpu);
  const timer = await Timer.create(gpu, lab.step);
  const peaks = await measurePeaks(gpu);
  const clock = timer.hasClock ? "by its clock" : "from submit to read-back";
  const title = `${suite.name} on ${gpu.name}, ${clock}`;
  if (!isMain) {
    const rows = register(suite, lab, timer);
    addEventListener(
      "unload",
      () => console.log(`\n${reportOf(title, rows(), peaks)}`),
    );
    return;
  }
  const { filter } = parseArgs(Deno.args, {
    string: ["filter"],
    default: { filter: "" },
  });
  const rows: Row[] = [];
  for (const { name, make } of suite.cases) {
    if (!name.includes(String(filter))) continue;
    using _buffers = gpu.memory.scope();
    const made = await make(lab);
    if (made === null) continue;
    rows.push(rowOf(name, made, await timer.us(timedOf(made))));
    free(made);
  }
  console.log(reportOf(title, rows, peaks));
}

/** Hands the cases to `deno bench`; returns what was measured so far. */
function register({ name: group, cases }: Suite, lab: Lab, timer: Timer) {
  const { gpu } = lab;
  const measured: { name: string; made: BenchOps; us: number[] }[] = [];
  let buffers: Disposable | null = null;
  for (const { name, make } of cases) {
    let current: { made: BenchOps; us: number[]; count: number } | null = null;
    let isMade = false;
    Deno.bench(name, { group }, async (b) => {
      if (!isMade) {
        isMade = true;
        buffers?.[Symbol.dispose](); // those of the case before
        const scope = gpu.memory.scope();
        buffers = scope;
        const made = await make(lab);
        if (made === null) return;
        buffers = {
          [Symbol.dispose]() {
            scope[Symbol.dispose]();
            free(made);
          },
        };
        const count = await timer.warmUp(timedOf(made));
        current = { made, us: [], count };
        measured.push({ name, ...current });
      }
      if (current === null) return;
      const { made, us, count } = current;
      b.start();
      const ms = await timer.pass(timedOf(made), count);
      b.end();
      us.push(ms * 1e3 / count / made.ops.length);
    });
  }
  return () =>
    measured.filter(({ us }) => us.length > 0)
      .map(({ name, made, us }) => rowOf(name, made, median(us)));
}

function free({ owned = [] }: BenchOps): void {
  for (const buffer of owned) buffer.destroy();
}

function timedOf({ ops, tokenCount = 1, position = 0 }: BenchOps) {
  return { ops, tokenCount, position };
}

function rowOf(
  name: string,
  { byteLength = 0, flops = 0 }: BenchOps,
  us: number,
): Row {
  return { name, us, byteLength, flops };
}
