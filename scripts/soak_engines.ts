// deno-lint-ignore-file no-console
/**
 * Engines that are loaded and disposed of, one after the other, in all ways; then
 * many generations of one: what stays behind. Needs the garbage collector at hand.
 *
 * deno run -A --v8-flags=--expose-gc scripts/soak_engines.ts [--engines 100]
 *   [--generations 10000] [--json]
 *
 * The engines are of a model of a few kilobytes, on the GPU; the generations are of a
 * made-up one without a GPU, so that thousands take seconds.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { load, type LoadOptions } from "../mod.ts";
import { fakeEngine } from "../src/server/_fake_engine.ts";
import { countGpu } from "../tests/_count_gpu.ts";
import { tinyCheckpoint } from "../tests/_tiny_checkpoint.ts";

const args = parseArgs(Deno.args, {
  boolean: ["json"],
  default: { engines: 100, generations: 10_000 },
});
const LINES = 10;
const MIB = 2 ** 20;

/** Ways to load; a wish of a `slots` too many fails after the GPU is open. */
const WAYS: readonly LoadOptions[] = [
  {},
  { slots: 2 },
  { slots: 2, store: "disk", prefetch: "off" },
  { slots: 2, residency: "cpu" },
  { slots: 2, store: "array-buffer", background: true },
  { profile: true, watchable: true, promptCacheBytes: MIB },
  { slots: 99 },
];

/** What there is at one time. */
interface Point {
  readonly done: number;
  readonly rssMiB: number;
  readonly heapMiB: number;
  /** Open files, sockets and the like; `null` where the system does not say. */
  readonly fileCount: number | null;
}

const { gc } = globalThis as { gc?: () => void };
if (gc === undefined) {
  console.error("error: Cannot collect garbage: wanted --v8-flags=--expose-gc");
  Deno.exit(1);
}

/** Lets all that is over come to its end. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    gc!();
  }
}

async function look(done: number): Promise<Point> {
  await settle();
  const { rss, heapUsed } = Deno.memoryUsage();
  const point = {
    done,
    rssMiB: rss / MIB,
    heapMiB: heapUsed / MIB,
    fileCount: openFiles(),
  };
  if (!args.json) {
    const { rssMiB, heapMiB, fileCount } = point;
    console.log([
      String(done).padStart(6),
      ...[rssMiB, heapMiB].map((n) => n.toFixed(2).padStart(8)),
      String(fileCount ?? "?").padStart(6),
    ].join("  "));
  }
  return point;
}

function openFiles(): number | null {
  try {
    return [...Deno.readDirSync("/proc/self/fd")].length;
  } catch {
    return null;
  }
}

/** Does something many times, and looks now and then. */
async function repeat(
  what: string,
  count: number,
  once: (i: number) => Promise<void>,
): Promise<Point[]> {
  if (!args.json) console.log(`${what}  rss MiB  heap MiB  files`);
  const points: Point[] = [];
  const pace = Math.max(1, Math.floor(count / LINES));
  for (let i = 0; i < count; i++) {
    await once(i);
    if ((i + 1) % pace === 0) points.push(await look(i + 1));
  }
  return points;
}

/** Loads an engine in one of the ways, says a few words and disposes of it. */
async function loadOne(model: string, i: number): Promise<void> {
  const way = WAYS[i % WAYS.length]!;
  try {
    using engine = await load(model, { contextLength: 64, ...way });
    engines.push(new WeakRef(engine));
    const words = engine.generate("Once", { maxTokens: 4, temperature: 0 });
    for await (const { final } of words) {
      // Some are left in the middle.
      if (i % 3 === 0 && final === undefined) break;
    }
  } catch (error) {
    if (!(error instanceof RangeError) || way.slots !== 99) throw error;
    failedCount++;
  }
}

/** Generates in one of the ways that there are. */
async function generateOne(
  engine: Awaited<ReturnType<typeof fakeEngine>>,
  i: number,
): Promise<void> {
  const options = { maxTokens: 8, seed: i, signal: forever.signal };
  const object = { properties: { [`key ${i % 99}`]: { type: "integer" } } };
  const format = { type: "json_schema", schema: object } as const;
  const pieces = [
    () => engine.generate(`A ${i}`, options),
    () => engine.chat([{ role: "user", content: `B ${i}` }], options),
    () => engine.generate(`C ${i}`, { ...options, stop: ["zz"] }),
    () => engine.generate(`D ${i}`, { ...options, logprobs: 2 }),
    () => engine.generate(`E ${i}`, { ...options, responseFormat: format }),
  ][i % 5]!();
  for await (const _ of pieces) if (i % 5 === 2) break;
}

const engines: WeakRef<object>[] = [];
let failedCount = 0;
using gpu = countGpu();
using model = await tinyCheckpoint({ config: { "vocab_size": 4096 } });
const loads = await repeat(
  "engines",
  Number(args.engines),
  async (i) => {
    await loadOne(model.path, i);
    // Pipelines go with the garbage collector alone: WebGPU has no other way.
    await settle();
  },
);

/** A signal that outlives all generations, and who listens to it. */
const forever = new AbortController();
let listenerCount = 0;
const { signal } = forever;
const { addEventListener, removeEventListener } = signal;
signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
  listenerCount++;
  return addEventListener.apply(signal, args);
};
signal.removeEventListener = (
  ...args: Parameters<typeof removeEventListener>
) => {
  listenerCount--;
  return removeEventListener.apply(signal, args);
};
using engine = await fakeEngine();
const generations = await repeat(
  "generations",
  Number(args.generations),
  (i) => generateOne(engine, i),
);
await settle();

const result = {
  loads,
  generations,
  engineCount: engines.length,
  failedCount,
  made: gpu.made,
  alive: gpu.alive,
  /** What the garbage collector has not taken. */
  uncollected: {
    engines: engines.filter((it) => it.deref() !== undefined).length,
    devices: gpu.uncollected,
  },
  listenerCount,
};
if (args.json) console.log(JSON.stringify(result));
else {
  const { made, alive, uncollected } = result;
  console.log(
    `made ${JSON.stringify(made)}, of which live ${JSON.stringify(alive)}`,
  );
  console.log(
    `${engines.length} engines and ${failedCount} that failed to load; uncollected ${
      JSON.stringify(uncollected)
    }; ${listenerCount} listeners`,
  );
}
