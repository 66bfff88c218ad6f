/** What a tuning changes of a model's results, and what it must not. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { loadModel } from "../src/engine/load_model.ts";
import type { LoadOptions } from "../src/engine/load_options.ts";
import { openSource } from "../src/engine/model_source.ts";
import { tune, type TunedKnob, winnersOf } from "../src/engine/tune.ts";
import { type Tuning, TUNING_VALUES } from "../src/gpu/tuning.ts";
import { rmsNorm as rmsNormOp } from "../src/ops/norm.ts";
import { makeRows, reduction } from "../src/ops/op.ts";
import { makeStepBuffers } from "../src/ops/step.ts";
import { finish, maxDifference, withEngine } from "./_engine.ts";
import {
  gpuTest,
  makeReader,
  runOps,
  settle,
  STRIPS,
  upload,
  uploadRows,
} from "./_gpu.ts";
import { withRandom } from "./_random.ts";
import { rmsNorm } from "../src/model/plain_math.ts";
import { lendGpu } from "./_shared_gpu.ts";
import { tinyCheckpoint } from "./_tiny_checkpoint.ts";
import { WIDE_CONFIG, WIDE_OPTIONS } from "./_wide_model.ts";

const MODEL = "models/stories-17m-q";

/** With inputs of W2 that 64 invocations take in parts. */
const CONFIG = { ...WIDE_CONFIG, "intermediate_size": 2048 };

const IDS = [1, 7, 3, 12, 5, 7, 2, 9];

/** Float32 against float32, summed in another order. */
const TOLERANCE = 1e-4;

/** Logits of each token, one by one, with the kernels of a GPU. */
async function decode(
  directory: string,
  tuning: Partial<Tuning>,
  more: LoadOptions = {},
): Promise<Float32Array> {
  try {
    using source = await openSource(directory);
    using gpu = await lendGpu(STRIPS);
    gpu.tuning = { ...gpu.tuning, ...tuning };
    const options = { ...WIDE_OPTIONS, ...more };
    const { config } = source;
    const reader = source.reader(options);
    using model = (await loadModel(gpu, { config, reader, options })).model;
    const logits: number[] = [];
    for (const [position, id] of IDS.entries()) {
      logits.push(...await model.forward([id], position));
    }
    return Float32Array.from(logits);
  } finally {
    await settle();
  }
}

Deno.test("units of a workgroup do not change a bit", async () => {
  using checkpoint = await tinyCheckpoint({ seed: 71, config: CONFIG });
  const expected = await decode(checkpoint.path, {});
  assert(expected.every(Number.isFinite));
  for (
    const name of [
      "upUnits",
      "downUnits",
      "qkvUnits",
      "matrixUnits",
    ] as const
  ) {
    for (
      const value of [TUNING_VALUES[name][1]!, TUNING_VALUES[name].at(-1)!]
    ) {
      const logits = await decode(checkpoint.path, { [name]: value });
      assertEquals(logits, expected, `${name} ${value}`);
    }
  }
});

Deno.test("invocations that sum change the last digits only", async () => {
  using checkpoint = await tinyCheckpoint({ seed: 71, config: CONFIG });
  const expected = await decode(checkpoint.path, {});
  for (const tuning of [{ partInvocations: 64 }, { sumInvocations: 32 }]) {
    const logits = await decode(checkpoint.path, tuning);
    const difference = maxDifference(logits, expected);
    assert(difference < TOLERANCE, `${JSON.stringify(tuning)}: ${difference}`);
    if ("partInvocations" in tuning) assert(difference > 0, "it counts");
  }
});

gpuTest(
  "rows are summed by as many invocations as the tuning says",
  ({ gpu }) =>
    withRandom(72, async (random) => {
      const width = 4096;
      const row = random.normal(width);
      const weight = random.normal(width);
      const step = makeStepBuffers(gpu, 1);
      using reader = await makeReader(gpu, width * 4);
      const expected = rmsNorm(row, weight, 1e-5);
      const widths = new Set<number>();
      for (const sumInvocations of TUNING_VALUES.sumInvocations) {
        gpu.tuning = { ...gpu.tuning, sumInvocations };
        widths.add(reduction(gpu, width / 4).constants.WG);
        const y = makeRows(gpu, "y", [1, width]);
        const op = await rmsNormOp(gpu, {
          x: uploadRows(gpu, row, width),
          weight: upload(gpu, weight),
          y,
          width,
          epsilon: 1e-5,
          step: step.step,
        });
        runOps(gpu, [op], { step, tokenCount: 1 });
        const difference = maxDifference(
          await reader.floats(y.buffer),
          expected,
        );
        assert(difference < 1e-5, `${sumInvocations}: ${difference}`);
      }
      assertEquals(widths.size, TUNING_VALUES.sumInvocations.length);
    }),
  STRIPS,
);

Deno.test("the offload invariance holds with any one tuning", async () => {
  using checkpoint = await tinyCheckpoint({ seed: 71, config: CONFIG });
  const tuning = { upUnits: 2, downUnits: 1, partInvocations: 64 };
  const resident = await decode(checkpoint.path, tuning);
  for (const residency of ["gpu", "cpu"] as const) {
    const logits = await decode(checkpoint.path, tuning, {
      slots: 2,
      residency,
    });
    assertEquals(logits, resident, residency);
  }
});

Deno.test("load() hands its tuning to the GPU, and says which it is", async () => {
  const ids: number[][] = [];
  for (const tuning of ["off", { argmaxInvocations: 1024 }] as const) {
    const reports: string[] = [];
    const options: LoadOptions = {
      tuning,
      onTuning: ({ source }) => reports.push(source),
    };
    await withEngine(MODEL, options, async (engine) => {
      const settings = { maxTokens: 12, temperature: 0 };
      ids.push((await finish(engine.generate("Once", settings))).ids);
    });
    assertEquals(reports, [tuning === "off" ? "defaults" : "options"]);
  }
  assertEquals(ids[0], ids[1]);
  await assertRejects(
    () =>
      withEngine(MODEL, { tuning: { upUnits: 7 } }, () => Promise.resolve()),
    RangeError,
    "Cannot load the model: tuning.upUnits is 7, wanted one of 1, 2, 4, 8, 16",
  );
});

gpuTest("tune() times every value that makes a difference", async (
  { gpu, compiled },
) => {
  const before = gpu.tuning;
  const names = [
    "downUnits",
    "qkvUnits",
    "matrixUnits",
    "argmaxInvocations",
  ] as const;
  const knobs: TunedKnob[] = [];
  const heard: string[] = [];
  const onProgress = (name: string, done: number, total: number) =>
    heard.push(`${done} of ${total}: ${name}`);
  for await (const knob of tune(gpu, { names, onProgress })) knobs.push(knob);
  assertEquals(heard, names.map((name, i) => `${i} of 4: ${name}`));
  assertEquals(knobs.map(({ name }) => name), [...names]);
  for (const { name, variants, best } of knobs) {
    assertEquals(
      variants.map(({ value }) => value),
      [...TUNING_VALUES[name]],
      name,
    );
    assert(variants.every(({ ms, noise }) => ms! > 0 && noise! >= 0));
    assertEquals(gpu.tuning[name], best, "what was found is in force");
  }
  assertEquals({ ...before, ...winnersOf(knobs) }, gpu.tuning);
  assert(compiled.has("qkv_strip.wgsl"), "q, k and v are one dispatch");
}, STRIPS);

gpuTest("tune() does not time what makes no difference", async ({ gpu }) => {
  const names = ["upUnits", "qkvUnits", "sumInvocations"] as const;
  const knobs: TunedKnob[] = [];
  for await (const knob of tune(gpu, { names })) knobs.push(knob);
  for (const { name, before, best, variants } of knobs) {
    const [{ value, ms }] = variants as [TunedKnob["variants"][0]];
    assertEquals([variants.length, value, ms], [1, before, null], name);
    assertEquals(best, before);
  }
  assertEquals(knobs.length, 3);
}, { wideWorkgroups: false });

gpuTest("tune() stops when aborted", async ({ gpu }) => {
  const controller = new AbortController();
  const knobs: TunedKnob[] = [];
  const { signal } = controller;
  for await (const knob of tune(gpu, { signal })) {
    knobs.push(knob);
    controller.abort();
  }
  assertEquals(knobs.length, 1);
});
