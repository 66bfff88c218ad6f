/** What `verify` is for: it finds what is wrong, and says where. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { LoadOptions } from "../mod.ts";
import {
  type ModelReader,
  type ModelSource,
  openSource,
} from "../src/engine/model_source.ts";
import { verifySource } from "../src/engine/verify.ts";
import type { VerifyOptions } from "../src/engine/verify_options.ts";
import type { VerifyRow } from "../src/engine/verify_row.ts";
import { verifyAdvice } from "../src/cli/verify/verify_advice.ts";
import { settle } from "./_gpu.ts";
import { tinyCheckpoint } from "./_tiny_checkpoint.ts";
import { Random } from "./_random.ts";

const SEED = 5;

/** Verifies a tiny model, read through `change`. */
async function verifyTiny(
  change: (reader: ModelReader, options: LoadOptions) => ModelReader,
  options: VerifyOptions = {},
): Promise<VerifyRow[]> {
  using checkpoint = await tinyCheckpoint({ seed: SEED });
  using source = await openSource(checkpoint.path);
  const changed: ModelSource = {
    ...source,
    reader: (options) => change(source.reader(options), options),
    [Symbol.dispose]: () => {},
  };
  const prompt = new Random(SEED).integers(28, source.config.vocabSize);
  try {
    const rows = verifySource(changed, { prompt, tokens: 12, ...options });
    return await Array.fromAsync(rows);
  } finally {
    await settle();
  }
}

/** The same reader, but another way to write matrices. */
function withWrite(
  reader: ModelReader,
  write: ModelReader["write"],
): ModelReader {
  return {
    parallelReadCount: reader.parallelReadCount,
    floatLayout: (name, shape) => reader.floatLayout(name, shape),
    layout: (base, shape, part) => reader.layout(base, shape, part),
    readPlain: (base, shape, part) => reader.readPlain(base, shape, part),
    readFloats: async (name, shape) =>
      await reader.readFloats(name, shape) as Float32Array<ArrayBuffer>,
    write,
  };
}

const FAULTY = "model.layers.1.block_sparse_moe.experts.2.w1";

function rowOf(rows: readonly VerifyRow[], what: string): VerifyRow {
  const found = rows.find((row) => row.what.includes(what));
  assert(found !== undefined, `${what} of ${rows.map(({ what }) => what)}`);
  return found;
}

Deno.test("verify() finds an expert that another load mixes up, and a bit that a store flips", async () => {
  const rows = await verifyTiny((reader, { store }) => {
    if (store !== "array-buffer" && store !== "disk") return reader;
    return withWrite(reader, async (base, layout, into) => {
      const isFaulty = base === FAULTY;
      if (!isFaulty || store === "disk") await reader.write(base, layout, into);
      else await reader.write(base.replace("s.2", "s.3"), layout, into);
      if (isFaulty && store === "disk") into[9]! ^= 1; // of a mantissa
    });
  });
  const wrong = rows.filter(({ verdict }) => verdict === "different");
  assertEquals(wrong.map(({ options }) => options!.store), [
    "array-buffer",
    "disk",
  ]);
  for (const { check, difference, notes } of wrong) {
    assertEquals(check, "cache");
    assert(difference! > 0);
    assertStringIncludes(notes[0]!, "logits differ from run");
  }
  // By far the more, the wrong expert.
  assert(wrong[0]!.difference! > 10 * wrong[1]!.difference!);
  const ways = rows.filter(({ check }) => check === "cache");
  assertEquals(ways.length, 6);
  for (const { uses, what } of ways) assert(uses!.evictions > 0, what);
  const checks = rows.filter(({ check }) => check !== "cache");
  assertEquals(checks.map(({ check, verdict }) => `${check} ${verdict}`), [
    "seed same",
    "reference rounding",
    "reference rounding",
    "prefill rounding",
  ]);
});

Deno.test("verify() finds weights on the GPU that are not those of the model, and the layer", async () => {
  const rows = await verifyTiny(
    (reader) =>
      withWrite(reader, async (base, layout, into) => {
        const name = base.replace("model.layers.0.self_attn.v", "$&");
        await reader.write(name, layout, into);
        if (base.endsWith("layers.0.block_sparse_moe.experts.2.w1")) {
          into.fill(0);
        }
      }),
    { quick: true },
  );
  for (const { check, verdict, what } of rows) {
    assertEquals(verdict === "different", check === "reference", what);
  }
  assertStringIncludes(
    rowOf(rows, "a prompt at once").notes.join(),
    "look at the experts of layer 0",
  );
  assertStringIncludes(verifyAdvice(rows).join(), "moeno doctor --json");
});

Deno.test("verify() finds a kernel with a wrong constant", async () => {
  const { createComputePipeline } = GPUDevice.prototype;
  GPUDevice.prototype.createComputePipeline = function (descriptor) {
    const { constants } = descriptor.compute;
    if (descriptor.label === "attention_tile.wgsl") constants!.WINDOW = 3;
    return createComputePipeline.call(this, descriptor);
  };
  try {
    const rows = await verifyTiny((reader) => reader, { quick: true });
    for (const { check, what, verdict } of rows) {
      const isFaulty = check === "prefill" || what === "a prompt at once";
      assertEquals(verdict === "different", isFaulty, what);
    }
    // Up to three positions a window of three changes nothing.
    const notes = rows.at(-1)!.notes.join();
    assertStringIncludes(notes, "after 9 tokens logits differ by");
    assert(!notes.includes("after 2 tokens"), notes);
  } finally {
    GPUDevice.prototype.createComputePipeline = createComputePipeline;
  }
});
