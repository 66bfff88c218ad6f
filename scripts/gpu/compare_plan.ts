// deno-lint-ignore-file no-console
/**
 * What `plan` expects beside what `bench` measures, slots by slots, in one run on
 * one machine; and what plan has timed, so that a wrong one can be looked into.
 *
 * deno run -A scripts/gpu/compare_plan.ts [--synthetic mixtral-8x7b]
 *   [--slots 8,7,6,5,4,3] [--hit-rate .95,.905,.855,.72,.61]
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { fromFileUrl } from "@std/path";
import type { Forecast } from "../../mod.ts";
import type { BenchRow } from "../../src/engine/bench_row.ts";

const flags = parseArgs(Deno.args, {
  default: {
    synthetic: "mixtral-8x7b",
    slots: "8,7,6,5,4,3",
    "hit-rate": ".95,.905,.855,.72,.61",
  },
});
const model = ["--synthetic", String(flags.synthetic)];
const program = fromFileUrl(new URL("../../mod.ts", import.meta.url));

const { rows } = await moeno<{ rows: BenchRow[] }>([
  "bench",
  ...model,
  ...["--slots", String(flags.slots), "--hit-rate", String(flags["hit-rate"])],
  ...["--prefetch", "off", "--repeat", "2"],
]);
console.log(
  "| slots | hit rate | expected | measured | off, % | fixed, ms | resident layer | misses: ms | link GB/s |\n" +
    "| ----- | -------- | -------- | -------- | ------ | --------- | -------------- | ---------- | --------- |",
);
for (const { slots, hitRate, tokensPerSecond } of rows) {
  const { expected, costs } = await moeno<Forecast>([
    "plan",
    ...model,
    ...["--slots", String(slots[0]), "--prefetch", "off"],
    ...hitRate === null ? [] : ["--hit-rate", String(hitRate)],
  ]);
  const { resident, offloaded } = costs!;
  const off = expected.tokensPerSecond! / tokensPerSecond.mean - 1;
  const cells = [
    slots[0],
    hitRate?.toFixed(3) ?? "",
    expected.tokensPerSecond!.toFixed(1),
    tokensPerSecond.mean.toFixed(1),
    (100 * off).toFixed(0),
    resident.fixedMs.toFixed(3),
    resident.layerMs.toFixed(3),
    offloaded?.layerMs
      .map(({ misses, ms }) => `${misses}: ${ms.toFixed(3)}`).join(", ") ?? "",
    offloaded?.linkGigabytesPerSecond.toFixed(1) ?? "",
  ];
  console.log(`| ${cells.join(" | ")} |`);
}

/** Runs a command of the program, and reads what it prints. */
async function moeno<T>(args: string[]): Promise<T> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", program, ...args, "--json"],
    stderr: "inherit",
  }).output();
  if (!success) Deno.exit(1);
  return JSON.parse(new TextDecoder().decode(stdout));
}
