/** The whole model: transformers, `reference.ts` and the engine must agree. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { Checkpoint } from "../src/io/checkpoint.ts";
import { finish, maxDifference, withEngine } from "./_engine.ts";
import { Random } from "./_random.ts";
import { readReferenceWeights, referenceLogits } from "./_reference_weights.ts";
import { tempDirectory, withTokenizer } from "./_tiny_checkpoint.ts";
import { route } from "../src/model/plain_math.ts";

/** Checkpoints that transformers wrote, with what it computes in float32. */
const HF_MIXTRAL = ["a_gqa_8e", "c_sw8_mqa"].map((name) => ({
  name,
  directory: fromFileUrl(
    new URL(`testdata/hf_mixtral/${name}`, import.meta.url),
  ),
}));

/**
 * Float32 against float64 or float32 in another order: a few thousand roundings
 * of 6e-8 in logits of up to 5. We see 6e-6; ten times that is wrong.
 */
const TOLERANCE = 6e-5;

for (const { name, directory } of HF_MIXTRAL) {
  Deno.test(`reference.ts agrees with transformers on ${name}`, async () => {
    const weights = await readReferenceWeights(directory);
    const { sequences, logits, routers } = await readExpected(directory);
    const { numExpertsPerTok, numLocalExperts } = weights.config;
    for (const [i, ids] of sequences.entries()) {
      const actual = await referenceLogits(weights, ids);
      const difference = maxDifference(actual.logits, logits[i]!);
      assert(difference <= TOLERANCE, `logits differ by ${difference}`);
      for (const [t, byLayer] of actual.routings.entries()) {
        for (const [layer, routing] of byLayer.entries()) {
          const row = i * ids.length + t;
          const expected = routers[layer]!.subarray(
            row * numLocalExperts,
            (row + 1) * numLocalExperts,
          );
          assert(maxDifference(routing.logits, expected) <= TOLERANCE);
          assertEquals(routing.ids, route(expected, numExpertsPerTok).ids);
        }
      }
    }
  });

  Deno.test(`load() agrees with transformers on ${name}`, async () => {
    using model = await withTokenizer(directory);
    const { sequences, logits, greedy } = await readExpected(directory);
    await withEngine(model.path, {}, async (engine) => {
      for (const [i, ids] of sequences.entries()) {
        const actual = await engine.logits(ids);
        const difference = maxDifference(actual, logits[i]!);
        assert(difference <= TOLERANCE, `logits differ by ${difference}`);
      }
      // The first ids of the first sequence, continued.
      const first = sequences[0]!;
      const promptLength = greedy.findIndex((id, t) => id !== first[t]);
      const record = await finish(
        engine.generate(greedy.slice(0, promptLength), {
          temperature: 0,
          maxTokens: greedy.length - promptLength,
          ignoreEos: true,
        }),
      );
      assertEquals(record.ids, greedy.slice(promptLength));
    });
  });

  Deno.test(`Mixtral prefills as it decodes on ${name}`, async () => {
    using model = await withTokenizer(directory);
    let ids: number[] | undefined;
    let decoded: Float32Array | undefined;
    for (const chunkSize of [1, 7, 64, 512]) { // 1: every token by itself
      await withEngine(model.path, { chunkSize }, async (engine) => {
        ids ??= new Random(11).integers(150, engine.config.vocabSize);
        const logits = await engine.logits(ids);
        decoded ??= logits;
        const difference = maxDifference(logits, decoded);
        assert(
          difference <= TOLERANCE,
          `chunks of ${chunkSize} differ by ${difference}`,
        );
      });
    }
  });
}

Deno.test("load() takes a model without a tokenizer", async () => {
  for (const { directory } of HF_MIXTRAL) {
    const { sequences, logits } = await readExpected(directory);
    await withEngine(directory, {}, async (engine) => {
      const actual = await engine.logits(sequences[0]!);
      assert(maxDifference(actual, logits[0]!) <= TOLERANCE);
      const settings = { temperature: 0, maxTokens: 3 };
      for await (const { text } of engine.generate(sequences[0]!, settings)) {
        assertEquals(text, ""); // there are ids, but nothing to spell them with
      }
      const message = "Cannot turn text into ids";
      await assertRejects(() => engine.generate("x").next(), Error, message);
    });
  }
});

/** Reads `expected.safetensors`. */
async function readExpected(directory: string) {
  using folder = tempDirectory();
  await Deno.copyFile(
    `${directory}/expected.safetensors`,
    `${folder.path}/model.safetensors`,
  );
  using expected = await Checkpoint.open(folder.path);
  const integers = async (name: string) => {
    const { buffer } = await expected.read(name);
    return Array.from(new BigInt64Array(buffer), Number);
  };
  const [count, length, vocabSize] = expected.info("logits").shape;
  const logits = await expected.readFloat32("logits");
  const ids = await integers("input_ids");
  const size = length! * vocabSize!;
  const routers = [];
  while (expected.has(`router.${routers.length}`)) {
    routers.push(await expected.readFloat32(`router.${routers.length}`));
  }
  const each = <T>(fn: (i: number) => T) =>
    Array.from({ length: count! }, (_, i) => fn(i));
  return {
    sequences: each((i) => ids.slice(i * length!, (i + 1) * length!)),
    logits: each((i) => logits.subarray(i * size, (i + 1) * size)),
    routers, // (count * length, experts) by layer
    greedy: await integers("greedy"),
  };
}
