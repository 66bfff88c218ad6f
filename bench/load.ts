// deno-lint-ignore-file no-console
/**
 * How fast a model loads, against what parallel reads of its files give, and how
 * much memory that takes.
 *
 * deno run -A bench/load.ts <directory> [--slots 2] [--store pinned]
 *   [--context 512] [--reads 8] [--prompt 1,2,3] [--bits 2]
 *
 * The files are read once before anything is timed, so that all times are those
 * of cached files. `--bits` quantizes the experts of a float checkpoint.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { type Engine, load, type LoadOptions } from "../mod.ts";
import { forEachParallel } from "../src/io/for_each_parallel.ts";

const GIB = 2 ** 30;
const CHUNK_BYTE_LENGTH = 1 << 24;

const args = parseArgs(Deno.args, {
  string: ["slots", "store", "prompt", "bits"],
  default: { slots: "2", store: "pinned", context: 512, reads: 8, prompt: "1" },
});
const directory = String(args._[0] ?? "models/stories-17m-q");
const options: LoadOptions = {
  slots: Number(args.slots),
  store: args.store as LoadOptions["store"],
  contextLength: Number(args.context),
  ...args.bits !== undefined && {
    expertBits: Number(args.bits) as LoadOptions["expertBits"],
  },
};

const files = await Array.fromAsync(weightFiles(directory));
const byteLength = files.reduce((sum, { size }) => sum + size, 0);
await readAll(1);
const before = await readMemory();
console.log(
  `${directory}: ${gb(byteLength)} in ${files.length} files; ${
    gb(before.residentByteLength)
  } resident before`,
);
let rawSeconds = 0;
for (const count of [1, Number(args.reads)]) {
  const seconds = rawSeconds = await readAll(count);
  console.log(
    `${count} parallel reads, 16 MiB each: ${seconds.toFixed(2)} s, ${
      rate(byteLength, seconds)
    }`,
  );
}
await report("load()", {});
await report("load(), the rest in the background", { background: true });

/** Loads the model and a first token, and says what that took. */
async function report(what: string, more: LoadOptions): Promise<void> {
  const watch = watchMemory(before);
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  let pinnedSeconds = 0;
  let planSeconds = 0;
  let poolByteLength = 0;
  let plannedByteLength = 0;
  let loadedSeconds = 0;
  const engine = await load(directory, {
    ...options,
    ...more,
    onPlan({ stores, expertByteLength, vramByteLength }) {
      planSeconds = seconds();
      plannedByteLength = vramByteLength;
      for (const { kind, expertCount } of stores) {
        if (kind !== "disk") poolByteLength += expertCount * expertByteLength;
      }
    },
    onProgress({ what, doneByteLength, totalByteLength }) {
      if (what.startsWith("pinning")) pinnedSeconds = seconds() - planSeconds;
      else if (doneByteLength === totalByteLength) loadedSeconds = seconds();
      watch.sample();
    },
  });
  const readySeconds = seconds();
  await generateOne(engine);
  const tokenSeconds = seconds();
  while (loadedSeconds === 0) await sleep(10);
  const { residentByteLength, usedByteLength } = watch.stop();
  engine[Symbol.dispose]();
  const readSeconds = loadedSeconds - pinnedSeconds - planSeconds;
  const share = 100 * rawSeconds / readSeconds;
  console.log(`${what}:
  ready after ${readySeconds.toFixed(2)} s, first token after ${
    tokenSeconds.toFixed(2)
  } s, all read after ${loadedSeconds.toFixed(2)} s: ${
    rate(byteLength, loadedSeconds)
  }
  ${planSeconds.toFixed(2)} s to open, ${pinnedSeconds.toFixed(2)} s to pin ${
    gb(poolByteLength)
  }, ${readSeconds.toFixed(2)} s to read and upload: ${
    rate(byteLength, readSeconds)
  }, ${share.toFixed(0)} % of ${args.reads} parallel reads
  peak: ${gb(residentByteLength)} resident, ${
    gb(usedByteLength)
  } more of the system's memory than before; the pool is ${
    gb(poolByteLength)
  } of it, VRAM (which counts where the GPU is software) ${
    gb(plannedByteLength)
  }`);
  await sleep(500); // lets the driver return the memory
}

async function generateOne(engine: Engine): Promise<void> {
  const prompt = String(args.prompt).split(",").map(Number);
  for await (const _ of engine.generate(prompt, { maxTokens: 1 }));
}

/** The files that weights lie in. */
async function* weightFiles(directory: string) {
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    if (isDirectory || !name.endsWith(".safetensors")) continue;
    const path = `${directory}/${name}`;
    yield { path, size: (await Deno.stat(path)).size };
  }
}

/** Reads all files, as many chunks at the same time; returns the seconds. */
async function readAll(count: number): Promise<number> {
  function* chunks() {
    for (const { path, size } of files) {
      for (let at = 0; at < size; at += CHUNK_BYTE_LENGTH) yield { path, at };
    }
  }
  const idle = Array.from(
    { length: count },
    () => new Uint8Array(CHUNK_BYTE_LENGTH).fill(1),
  );
  const start = performance.now();
  await forEachParallel(chunks(), {
    limit: count,
    async run({ path, at }) {
      const bytes = idle.pop()!;
      using file = await Deno.open(path);
      await file.seek(at, Deno.SeekMode.Start);
      for (let done = 0; done < bytes.length;) {
        const length = await file.read(bytes.subarray(done));
        if (length === null) break;
        done += length;
      }
      idle.push(bytes);
    },
  });
  return (performance.now() - start) / 1000;
}

interface Memory {
  /** Of this process. A driver may keep pinned memory out of it. */
  readonly residentByteLength: number;
  /** Of the system; files that are cached do not count. */
  readonly usedByteLength: number;
}

async function readMemory(): Promise<Memory> {
  await sleep(0);
  return sampleMemory();
}

function sampleMemory(): Memory {
  const { available, total } = Deno.systemMemoryInfo();
  return {
    residentByteLength: Deno.memoryUsage().rss,
    usedByteLength: total - available,
  };
}

/** Samples memory until it is stopped. */
function watchMemory(before: Memory) {
  let residentByteLength = 0;
  let usedByteLength = 0;
  const sample = () => {
    const now = sampleMemory();
    residentByteLength = Math.max(residentByteLength, now.residentByteLength);
    usedByteLength = Math.max(
      usedByteLength,
      now.usedByteLength - before.usedByteLength,
    );
  };
  const timer = setInterval(sample, 20);
  return {
    sample,
    stop(): Memory {
      clearInterval(timer);
      sample();
      return { residentByteLength, usedByteLength };
    },
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function gb(byteLength: number): string {
  return `${(byteLength / 1e9).toFixed(2)} GB`;
}

function rate(byteLength: number, seconds: number): string {
  return `${(byteLength / 1e9 / seconds).toFixed(2)} GB/s (${
    (byteLength / GIB / seconds).toFixed(2)
  } GiB/s)`;
}
