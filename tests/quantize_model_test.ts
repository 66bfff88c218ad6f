/** `quantizeModel()`: the same bits as quantizing on load, however it is done. */

import { assert, assertEquals } from "@std/assert";
import { quantizeModel, type QuantizeModelOptions } from "../mod.ts";
import { withEngine } from "./_engine.ts";
import { assertSameFiles, loadedBytes, TINY_GROUPS } from "./_quantize.ts";
import {
  STORIES,
  tempDirectory,
  tinyCheckpoint,
  type TinyOptions,
} from "./_tiny_checkpoint.ts";

/** One thread, and groups that fit. */
const PLAIN = { ...TINY_GROUPS, workerCount: 1 } as const;

/** Groups of inputs, whose scales are not quantized. */
const AXIS_1 = {
  axis: 1,
  attnScaleGroupSize: undefined,
  expertScaleGroupSize: undefined,
} as const;

/** Sources, and how they are quantized. */
const CASES: readonly [TinyOptions, QuantizeModelOptions][] = [
  [{ dtype: "F32" }, { attnBits: 4, expertBits: 2 }],
  [{ dtype: "BF16", shardCount: 3 }, { attnBits: 8, expertBits: 3 }],
  [{ dtype: "F16" }, { attnBits: 3, expertBits: 4, isSharded: true }],
  [{ dtype: "BF16" }, { ...AXIS_1, attnBits: 4, expertBits: 2 }],
  [{ dtype: "F32" }, { ...AXIS_1, attnBits: 8, expertBits: 3 }],
  [
    { dtype: "BF16" },
    {
      attnBits: 16,
      attnScaleGroupSize: undefined,
      expertBits: 2,
      isSharded: true,
    },
  ],
  [
    { dtype: "F32", shardCount: 2, config: { "tie_word_embeddings": true } },
    { attnBits: 2, expertBits: 16, expertScaleGroupSize: undefined },
  ],
];

for (const [source, how] of CASES) {
  const title = JSON.stringify({ ...source, ...how });
  Deno.test(`quantizeModel() stores what load() makes: ${title}`, async () => {
    using directory = await tinyCheckpoint(source);
    using place = tempDirectory();
    const options = { ...PLAIN, ...how };
    const target = `${place.path}/quantized`;
    const result = await quantizeModel(directory.path, target, options);
    assertEquals(
      await loadedBytes(target),
      await loadedBytes(directory.path, options),
    );
    assertEquals(result.fileCount, how.isSharded ? 3 : 1);
    assert(result.byteLength < result.sourceByteLength);
  });
}

Deno.test("quantizeModel() makes what the engine runs to the same logits", async () => {
  using source = await tinyCheckpoint({ dtype: "BF16" });
  using place = tempDirectory();
  const target = `${place.path}/quantized/`;
  const bits = { attnBits: 4, expertBits: 2 } as const;
  await quantizeModel(source.path, target, {
    ...PLAIN,
    ...bits,
    isSharded: true,
  });
  const ids = [1, 5, 60, 7, 7, 30];
  const { groupSize, ...scaleGroups } = TINY_GROUPS;
  const options = {
    ...bits,
    ...scaleGroups,
    attnGroupSize: groupSize,
    expertGroupSize: groupSize,
  };
  const onLoad = await withEngine(
    source.path,
    options,
    (engine) => engine.logits(ids),
  );
  const stored = await withEngine(target, {}, (engine) => engine.logits(ids));
  assertEquals(stored, onLoad);
});

Deno.test("quantizeModel() makes the same files with any number of workers", async () => {
  using source = await tinyCheckpoint({ dtype: "BF16", shardCount: 2 });
  using place = tempDirectory();
  for (const isSharded of [false, true]) {
    for (const workerCount of [1, 2, 5]) {
      const target = `${place.path}/${isSharded}-${workerCount}`;
      const options = { ...TINY_GROUPS, isSharded, workerCount };
      const result = await quantizeModel(source.path, target, options);
      assertEquals(result.workerCount, workerCount);
      assertSameFiles(target, `${place.path}/${isSharded}-1`);
    }
  }
});

Deno.test("quantizeModel() starts no more workers than it has matrices", async () => {
  using source = await tinyCheckpoint({ config: { "num_hidden_layers": 1 } });
  using place = tempDirectory();
  const { groupSize, attnScaleGroupSize } = TINY_GROUPS;
  const result = await quantizeModel(source.path, `${place.path}/quantized`, {
    groupSize,
    attnScaleGroupSize,
    expertBits: 16,
    workerCount: 1000,
  });
  assertEquals(result.workerCount, 4); // q, k, v and o
});

Deno.test("quantizeModel() makes the bundled model to the byte", async () => {
  using place = tempDirectory();
  const target = `${place.path}/stories`;
  const bits = { attnBits: 4, expertBits: 4 } as const;
  const { weightCount } = await quantizeModel(STORIES, target, bits);
  assertEquals(weightCount, 17_448_192);
  assertSameFiles(target, `${STORIES}-q`);
});

Deno.test("quantizeModel() copies what is quantized already", async () => {
  using source = await tinyCheckpoint({ dtype: "BF16" });
  using place = tempDirectory();
  const first = `${place.path}/first`;
  const again = `${place.path}/again`;
  const sharded = `${place.path}/sharded`;
  await quantizeModel(source.path, first, PLAIN);
  const { workerCount } = await quantizeModel(first, again);
  assertEquals(workerCount, 1); // there is nothing to quantize
  assertSameFiles(again, first);
  await quantizeModel(again, sharded, { isSharded: true, workerCount: 1 });
  assertEquals(await loadedBytes(sharded), await loadedBytes(first));
});

Deno.test("quantizeModel() tells of its progress in weights", async () => {
  using source = await tinyCheckpoint();
  using place = tempDirectory();
  const experts = 2 * 4 * 3 * 48 * 32;
  const attention = 2 * (2 * 32 + 2 * 16) * 32;
  const total = experts + attention + (2 * 61 + 2 * 4 + 5) * 32;
  const told: number[] = [];
  const { weightCount } = await quantizeModel(
    source.path,
    `${place.path}/quantized`,
    {
      ...PLAIN,
      onProgress: (progress) => {
        assertEquals([progress.what, progress.total], ["quantizing", total]);
        told.push(progress.done);
      },
    },
  );
  assertEquals([weightCount, told[0], told.at(-1)], [total, 0, total]);
  assertEquals(told, told.toSorted((a, b) => a - b));
});
