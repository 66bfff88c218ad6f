/**
 * Whatever reads or writes files, with each of its operations failing in turn: one
 * sentence, nothing half-written under a final name, and the same works afterwards.
 */

import { assert, assertEquals } from "@std/assert";
import { type LoadOptions, quantizeModel } from "../mod.ts";
import { count } from "./_counts.ts";
import { finish, withEngine } from "./_engine.ts";
import { type ReadFault, withFullDisk, withReadFault } from "./_io_faults.ts";
import { assertPulled, listing, pullLab } from "./_pull.ts";
import { assertSameFiles, TINY_GROUPS } from "./_quantize.ts";
import { Random } from "./_random.ts";
import { assertSentence } from "./_sentence.ts";
import { tempDirectory, tinyCheckpoint } from "./_tiny_checkpoint.ts";

const IS_LONG = Deno.env.get("MOENO_LONG") === "1";
const SEED = 20261126;
/** How many places of each kind of fault are tried in a short run. */
const SAMPLE = 3;
const PROMPT = [5, 9, 23, 4, 17, 8, 2, 40, 11];

/** Numbers from 1 to `most`: all, or some. */
function places(most: number, random: Random): number[] {
  if (IS_LONG) return Array.from({ length: most }, (_, i) => i + 1);
  const some = Array.from(
    { length: SAMPLE - 2 },
    () => 1 + random.integer(most),
  );
  return [...new Set([1, most, ...some])].filter((n) => n >= 1);
}

/** An operation that is let down. */
interface Operation {
  readonly area: string;
  /** Does it. */
  readonly run: () => Promise<unknown>;
  /** Whether what it made is as it should be, after it went well. */
  readonly check?: () => Promise<void>;
  /** Whether nothing is there that should not be, after it failed. */
  readonly checkFailed?: () => Promise<void>;
  /** Makes it begin from nothing the next time. */
  readonly reset?: () => Promise<void>;
  /** Whether it may get over a fault by itself. */
  readonly isStubborn?: boolean;
}

/** Fails unless an error is one sentence of ours. */
function assertOurs({ message, stack }: Error, where: string): void {
  assert(/^Cannot [^\n]+$/.test(message), `${where}: ${message}\n${stack}`);
}

async function letReadsDown(operation: Operation): Promise<void> {
  const { area, run, check, checkFailed, reset } = operation;
  const random = new Random(SEED);
  const tally = { injected: 0, recovered: 0 };
  for (const fault of ["fails", "ends", "short", "slow"] as ReadFault[]) {
    const { count, error } = await withReadFault(Infinity, fault, run);
    if (error) throw error;
    await reset?.();
    assert(count > 0, `${area} reads nothing`);
    // What has to make no difference is tried less often.
    const isWeak = fault === "short" || fault === "slow";
    const all = places(count, random);
    for (const nth of isWeak && !IS_LONG ? all.slice(-1) : all) {
      const where = `${area}: read ${nth} of ${count} ${fault}, seed ${SEED}`;
      const { error, isInjected } = await withReadFault(nth, fault, run);
      // Reads side by side may come to fewer.
      if (!isInjected) continue;
      tally.injected++;
      if (isWeak) assertEquals(error, null, where);
      if (error === null) {
        assert(isWeak || operation.isStubborn, `${where}: nothing noticed`);
        await check?.();
        await reset?.();
      } else {
        assertOurs(error, where);
        await checkFailed?.();
      }
      await run();
      await check?.();
      await reset?.();
      tally.recovered++;
    }
  }
  count(area, "faults injected", tally.injected);
  count(area, "recoveries", tally.recovered);
}

async function fillDisk(operation: Operation): Promise<void> {
  const { area, run, check, checkFailed, reset } = operation;
  const random = new Random(SEED);
  const { count: byteLength, error } = await withFullDisk(Infinity, run);
  if (error) throw error;
  await reset?.();
  assert(byteLength > 0, `${area} writes nothing`);
  const some = IS_LONG ? 60 : SAMPLE;
  const tries = Array.from({ length: some }, () => random.next());
  for (const share of [0, 1 / byteLength, 1 - 1 / byteLength, ...tries]) {
    const most = Math.floor(share * byteLength);
    const where = `${area}: full after ${most} of ${byteLength} bytes`;
    const { error, isInjected } = await withFullDisk(most, run);
    assert(isInjected, where);
    assert(error !== null, `${where}: nothing noticed`);
    assertOurs(error, where);
    assert(error.message.includes("No space left on device"), error.message);
    await checkFailed?.();
    await run();
    await check?.();
    await reset?.();
  }
  count(area, "faults injected", tries.length + 3);
  count(area, "recoveries", tries.length + 3);
}

const STORES: Readonly<Record<string, LoadOptions>> = {
  "all experts on the GPU": {},
  "pinned experts": { slots: 2, store: "pinned" },
  "experts in memory": { slots: 2, store: "array-buffer" },
  "experts that load in the background": {
    slots: 2,
    store: "pinned",
    background: true,
  },
  "experts on disk": { slots: 2, store: "disk", ramByteLength: 18432 },
};

const FEW = ["experts that load in the background", "experts on disk"];

for (const what of IS_LONG ? Object.keys(STORES) : FEW) {
  const options = STORES[what]!;
  Deno.test(`load() and an answer get over reads that go wrong, with ${what}`, async () => {
    using model = await tinyCheckpoint({ shardCount: 2 });
    let expected: number[] | undefined;
    await letReadsDown({
      area: `reads of a model, ${what}`,
      run: async () => {
        const all = { contextLength: 32, ...options };
        const { ids } = await withEngine(
          model.path,
          all,
          (engine) =>
            finish(engine.generate(PROMPT, {
              maxTokens: 6,
              temperature: 0,
              ignoreEos: true,
            })),
        );
        expected ??= ids;
        assertEquals(ids, expected);
      },
    });
  });
}

Deno.test("Engine says that a shard is another than it was, rather than run it", async () => {
  using model = await tinyCheckpoint();
  using other = await tinyCheckpoint({ seed: 2 });
  const file = "model.safetensors";
  const path = `${model.path}/${file}`;
  const options: LoadOptions = {
    contextLength: 32,
    slots: 2,
    store: "disk",
    ramByteLength: 18432, // one expert: nearly every miss is read
  };
  const greedy = { temperature: 0, maxTokens: 8, ignoreEos: true };
  await withEngine(model.path, options, async (engine) => {
    const answer = () => finish(engine.generate(PROMPT, greedy));
    const { ids } = await answer();
    await engine.logits([1, 2, 3, 4]); // forgets the prompt
    const [before, { atime, mtime }] = await Promise.all([
      Deno.readFile(path),
      Deno.stat(path),
    ]);
    await Deno.copyFile(`${other.path}/${file}`, path); // of the same size
    await assertSentence(answer, "it was written to after it was opened");
    await Deno.writeFile(path, before);
    await Deno.utime(path, atime!, mtime!);
    assertEquals((await answer()).ids, ids);
  });
  count("shards that change", "faults injected", 1);
  count("shards that change", "recoveries", 1);
});

Deno.test("quantizeModel() gets over reads that go wrong, and full disks", async () => {
  const config = { "num_local_experts": 2, "num_hidden_layers": 1 };
  using source = await tinyCheckpoint({ dtype: "BF16", config });
  using place = tempDirectory();
  const wanted = `${place.path}/wanted`;
  const target = `${place.path}/target`;
  const options = { ...TINY_GROUPS, workerCount: 1, isSharded: true } as const;
  await quantizeModel(source.path, wanted, options);
  const operation: Operation = {
    area: "quantize",
    run: () => quantizeModel(source.path, target, options),
    check: () => Promise.resolve(assertSameFiles(target, wanted)),
    reset: () => Deno.remove(target, { recursive: true }),
    checkFailed: async () => {
      const names = await namesIn(place.path);
      assert(!names.includes("target"), `half a model: ${names}`);
    },
    isStubborn: true, // what is left of an earlier run need not be readable
  };
  await letReadsDown({ ...operation, area: "reads of quantize" });
  await fillDisk({ ...operation, area: "disk full in quantize" });
});

Deno.test("Engine.saveState() and loadState() get over what goes wrong with files", async () => {
  using model = await tinyCheckpoint();
  using place = tempDirectory();
  const path = `${place.path}/state`;
  const options = { maxTokens: 6, temperature: 0, ignoreEos: true };
  await withEngine(model.path, { contextLength: 32 }, async (engine) => {
    await finish(engine.generate(PROMPT, options));
    await engine.saveState(path);
    const before = await Deno.readFile(path);
    const isWhole = async () => {
      assertEquals(await namesIn(place.path), ["state"]);
      assertEquals(await Deno.readFile(path), before, "the file changed");
    };
    await fillDisk({
      area: "disk full in saveState()",
      run: () => engine.saveState(path),
      check: isWhole,
      checkFailed: isWhole,
    });
    await letReadsDown({
      area: "reads of loadState()",
      run: () => engine.loadState(path),
      check: async () => {
        await engine.saveState(path);
        await isWhole();
      },
    });
  });
});

Deno.test("pull() gets over reads that go wrong, and full disks", async () => {
  await using lab = pullLab();
  const operation: Operation = {
    area: "pull",
    run: () => lab.pull(),
    check: () => assertPulled(lab.directory, lab.files),
    reset: () => Deno.remove(lab.directory, { recursive: true }),
    checkFailed: async () => assertEquals(await listing(lab.directory), []),
    isStubborn: true,
  };
  await letReadsDown({ ...operation, area: "reads of pull" });
  await fillDisk({ ...operation, area: "disk full in pull" });
});

async function namesIn(directory: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(directory));
  return entries.map(({ name }) => name).sort();
}
