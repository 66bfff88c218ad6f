/**
 * What engines and generations leave behind: nothing. `MOENO_LONG=1` takes 100 engines
 * and 30,000 generations; so does `scripts/soak_engines.ts`, which does the work.
 */

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { count } from "./_counts.ts";

const SCRIPT = fromFileUrl(
  new URL("../scripts/soak_engines.ts", import.meta.url),
);
const [engineCount, generationCount] = Deno.env.has("MOENO_LONG")
  ? [105, 30_000]
  : [7, 600];

/** Numbers of a process at one time. */
interface Point {
  readonly done: number;
  readonly heapMiB: number;
  readonly fileCount: number | null;
}

/** How much a point has more than one before. */
function growth(points: readonly Point[], from: number): number {
  return points.at(-1)!.heapMiB - points.at(from)!.heapMiB;
}

Deno.test("engines and generations leave nothing behind", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", "--v8-flags=--expose-gc", SCRIPT, "--json"],
      ...["--engines", String(engineCount)],
      ...["--generations", String(generationCount)],
    ],
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const result = JSON.parse(new TextDecoder().decode(stdout));
  // A seventh of them fails to load, after the GPU is open.
  assertEquals(result.failedCount, Math.floor(engineCount / 7));
  assertEquals(result.engineCount, engineCount - result.failedCount);
  assertEquals(result.made.devices, engineCount);
  assert(result.made.buffers > 50 * engineCount, `${result.made.buffers}`);
  assert(result.made.querySets > 0);
  assertEquals(
    result.alive,
    { devices: 0, buffers: 0, querySets: 0, textures: 0 },
  );
  assertEquals(result.uncollected, { engines: 0, devices: 0 });
  assertEquals(result.listenerCount, 0);
  const { loads, generations } = result as Record<string, Point[]>;
  const files = new Set(
    [...loads!, ...generations!].map(({ fileCount }) => fileCount),
  );
  assertEquals(files.size, 1, `open files: ${[...files]}`);
  // Measured: 20 to 60 KiB, by code that is still being compiled; and 0.6 KiB, by
  // chats, which fill a history up to its limit of 4096 turns.
  const [perEngine, perGeneration] = [
    growth(loads!, -3) / (loads!.at(-1)!.done - loads!.at(-3)!.done),
    growth(generations!, -5) /
    (generations!.at(-1)!.done - generations!.at(-5)!.done),
  ].map((mib) => mib * 1024) as [number, number];
  assert(perEngine < 200, `${perEngine} KiB an engine`);
  assert(perGeneration < 1.5, `${perGeneration} KiB a generation`);
  count("leaks", "cases tried", engineCount + generationCount);
});
