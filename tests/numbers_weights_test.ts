/** Weights that are NaN or infinite: refused by name, wherever they go. */

import { assertEquals } from "@std/assert";
import { type LoadOptions, quantizeModel } from "../mod.ts";
import { count } from "./_counts.ts";
import { finish, withEngine } from "./_engine.ts";
import { type Harm, harmOne } from "./_harm.ts";
import { assertSentence } from "./_sentence.ts";
import { OFFLOADING, storedCheckpoint } from "./_stored_checkpoint.ts";
import type { PartFormat, StoredOptions } from "./_stored_checkpoint.ts";
import {
  tempDirectory,
  tinyCheckpoint,
  type TinyOptions,
} from "./_tiny_checkpoint.ts";

const BASE: LoadOptions = { contextLength: 32, chunkSize: 8 };
const EXPERT = "layers.1.block_sparse_moe.experts.2";

/** Hidden size 32 and inner 48, unless a case says otherwise. */
interface BadWeights {
  readonly at: readonly [end: string, index: number];
  readonly place: string;
  readonly value?: number;
  readonly made?: TinyOptions;
  readonly options?: LoadOptions;
}

const FLOATS: readonly BadWeights[] = [
  { at: ["embed_tokens.weight", 33], place: "a NaN at [1, 1]" },
  { at: ["lm_head.weight", 60 * 32], place: "a NaN at [60, 0]" },
  { at: ["model.norm.weight", 31], place: "a NaN at [31]" },
  { at: ["layers.1.input_layernorm.weight", 0], place: "a NaN at [0]" },
  {
    at: ["layers.0.post_attention_layernorm.weight", 7],
    place: "a NaN at [7]",
  },
  { at: ["layers.1.self_attn.q_proj.weight", 32], place: "a NaN at [1, 0]" },
  {
    at: ["layers.0.self_attn.o_proj.weight", 1023],
    place: "a NaN at [31, 31]",
  },
  {
    at: ["layers.1.block_sparse_moe.gate.weight", 127],
    place: "a NaN at [3, 31",
  },
  { at: [`${EXPERT}.w2.weight`, 49], place: "a NaN at [1, 1]" },
  {
    at: [`${EXPERT}.w1.weight`, 0],
    place: "an infinity at [0, 0]",
    value: -Infinity,
    made: { dtype: "F16" },
  },
  {
    at: [`${EXPERT}.w3.weight`, 48 * 32 - 1],
    place: "an infinity at [47, 31]",
    value: Infinity,
    made: { dtype: "BF16" },
  },
  {
    at: [`${EXPERT}.w1.weight`, 40],
    place: "a NaN at [1, 8]",
    options: { slots: 2, store: "pinned" },
  },
  {
    at: [`${EXPERT}.w2.weight`, 40],
    place: "a NaN at [0, 40]",
    options: { slots: 2, store: "array-buffer" },
  },
  {
    // Rows that are copied one by one.
    at: ["layers.0.self_attn.k_proj.weight", 31],
    place: "a NaN at [1, 1]",
    made: {
      config: {
        hidden_size: 30,
        num_attention_heads: 3,
        num_key_value_heads: 1,
      },
    },
  },
  {
    // Quantized on the way, here.
    at: [`${EXPERT}.w1.weight`, 65],
    place: "a NaN at [1, 1]",
    made: { config: { hidden_size: 64, intermediate_size: 64 } },
    options: { expertBits: 4, expertGroupSize: 16, expertScaleGroupSize: 16 },
  },
];

for (const { at, place, value = NaN, made, options } of FLOATS) {
  const [end, index] = at;
  const how = JSON.stringify({ ...made, ...options });
  Deno.test(`load() refuses ${value} in ${end} and says where: ${how}`, async () => {
    const harm = harmOne(end, index, value);
    using model = await tinyCheckpoint({ ...made, harm });
    const run = () =>
      withEngine(model.path, { ...BASE, ...options }, finishSome);
    await assertSentence(
      run,
      `${end} of ${model.path}: it has ${place}`,
    );
    count("numbers", "faults injected", 1);
  });
}

const HQQ_1: PartFormat = {
  by: "hqq",
  bits: 4,
  axis: 1,
  groupSize: 16,
  scaleGroupSize: null,
};
const PLAIN = { ...HQQ_1, axis: 0 } as const;
const STORED: readonly [StoredOptions, end: string, index: number][] = [
  [OFFLOADING, "layers.1.self_attn.v_proj.meta.meta_scale.scale", 3],
  [OFFLOADING, "layers.1.self_attn.v_proj.meta.meta_scale.zero", 0],
  [OFFLOADING, `${EXPERT}.w1.meta.meta_zero.scale`, 0],
  [OFFLOADING, `${EXPERT}.w2.meta.meta_zero.zero`, 0],
  [{ attn: PLAIN, experts: PLAIN }, `${EXPERT}.w3.scale`, 5],
  [{ attn: PLAIN, experts: PLAIN }, "layers.0.self_attn.o_proj.zero", 6],
  [{ attn: HQQ_1, experts: HQQ_1 }, `${EXPERT}.w3.zero`, 511],
  [
    { attn: HQQ_1, experts: HQQ_1, gates: HQQ_1 },
    "1.block_sparse_moe.gate.scale",
    1,
  ],
];

for (const [stored, end, index] of STORED) {
  Deno.test(`load() refuses NaN in ${end} of a quantized model`, async () => {
    using model = await storedCheckpoint({
      ...stored,
      harm: harmOne(end, index, NaN),
    });
    const run = () => withEngine(model.path, BASE, finishSome);
    await assertSentence(run, `${end} of ${model.path}: it has a NaN at [`);
    count("numbers", "faults injected", 1);
  });
}

Deno.test("load() from disk refuses an expert when it is read, and goes on without it", async () => {
  // All experts but those of layer 1 that are broken answer.
  const harm = harmOne(`${EXPERT}.w1.weight`, 3, NaN);
  using model = await tinyCheckpoint({ harm });
  using sound = await tinyCheckpoint();
  const options: LoadOptions = { ...BASE, slots: 2, store: "disk" };
  const answers = (path: string) =>
    withEngine(path, options, async (engine) => {
      const texts: (string | number[])[] = [];
      for (let id = 1; id < 9; id++) {
        texts.push(
          await finish(engine.generate([id], { maxTokens: 1, temperature: 0 }))
            .then(({ ids }) => ids, ({ message }) => message),
        );
      }
      return texts;
    });
  const [broken, expected] = [
    await answers(model.path),
    await answers(sound.path),
  ];
  let refusals = 0;
  for (const [i, answer] of broken.entries()) {
    if (typeof answer !== "string") assertEquals(answer, expected[i]);
    else {
      refusals++;
      assertEquals(
        answer.replace(model.path, "<model>"),
        `Cannot load model.${EXPERT}.w1.weight of <model>: it has a NaN at [0, 3], wanted finite numbers`,
      );
    }
  }
  assertEquals(refusals > 0 && refusals < 8, true, `${refusals} of 8`);
  count("numbers", "faults injected", refusals);
  count("numbers", "recoveries", broken.length - refusals);
});

Deno.test("quantizeModel() refuses NaN, also in tensors that stay floats", async () => {
  const config = { "hidden_size": 64, "intermediate_size": 64 };
  for (
    const [end, index, says] of [
      ["model.norm.weight", 9, "Cannot quantize model.norm.weight of"],
      [`${EXPERT}.w1.weight`, 64, "weight [1, 0] is NaN"],
    ] as const
  ) {
    const harm: Harm = harmOne(end, index, NaN);
    using model = await tinyCheckpoint({ config, harm });
    using target = tempDirectory();
    await assertSentence(
      () =>
        quantizeModel(model.path, `${target.path}/out`, {
          groupSize: 16,
          attnScaleGroupSize: 16,
          expertScaleGroupSize: 16,
          workerCount: 1,
        }),
      says,
    );
    count("numbers", "faults injected", 1);
  }
});

async function finishSome(
  engine: Parameters<Parameters<typeof withEngine>[2]>[0],
) {
  await finish(engine.generate([1, 2, 3], { maxTokens: 2, temperature: 0 }));
}
