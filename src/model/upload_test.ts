import { assertEquals, assertRejects } from "@std/assert";
import { STORIES } from "../../tests/_tiny_checkpoint.ts";
import { Checkpoint } from "../io/checkpoint.ts";
import { parseConfig } from "./config.ts";
import { SyntheticReader } from "./synthetic_reader.ts";
import { SyntheticWeights } from "./synthetic_weights.ts";
import { expertReadLimit, readExpert, readExpertLayout } from "./upload.ts";
import { GROUP_SIZES, type Quantization } from "./quantization.ts";
import { type MatrixReader, WeightReader } from "./weight_reader.ts";

const CONFIG = {
  ...parseConfig({ model_type: "mixtral" }, "the test"),
  hiddenSize: 64,
  intermediateSize: 128,
  numHiddenLayers: 1,
};
const BITS_2 = { bits: 2, ...GROUP_SIZES[2] } as const;
const SYNTHETIC = new SyntheticReader(new SyntheticWeights(CONFIG), {
  attn: BITS_2,
  experts: BITS_2,
});

/** The synthetic reader, slowly. */
function slowReader(parallelReadCount?: number, failing = "") {
  const watch = { inFlight: 0, most: 0 };
  const reader: MatrixReader = {
    parallelReadCount,
    floatLayout: SYNTHETIC.floatLayout.bind(SYNTHETIC),
    layout: SYNTHETIC.layout.bind(SYNTHETIC),
    readFloats: SYNTHETIC.readFloats.bind(SYNTHETIC),
    async write(base, layout, into) {
      watch.most = Math.max(watch.most, ++watch.inFlight);
      await new Promise((resolve) => setTimeout(resolve, 1));
      watch.inFlight--;
      if (base.endsWith(failing || "-")) throw new Error(`Cannot read ${base}`);
      await SYNTHETIC.write(base, layout, into);
    },
  };
  return { reader, watch };
}

Deno.test("readExpert() reads as many matrices at once as the reader allows", async () => {
  const layout = readExpertLayout(SYNTHETIC, CONFIG);
  const id = { layer: 1, expert: 2 };
  const read = async (reader: MatrixReader) => {
    const bytes = new Uint8Array(layout.wordCount * 4);
    await readExpert(reader, layout, { id, bytes });
    return bytes;
  };
  const expected = await read(SYNTHETIC);
  for (const [limit, most] of [[undefined, 3], [1, 1], [2, 2], [9, 3]]) {
    const { reader, watch } = slowReader(limit);
    assertEquals(await read(reader), expected);
    assertEquals(watch, { inFlight: 0, most: most! });
  }
});

Deno.test("readExpert() writes nothing after it has failed", async () => {
  const layout = readExpertLayout(SYNTHETIC, CONFIG);
  const { reader, watch } = slowReader(undefined, "w1");
  const bytes = new Uint8Array(layout.wordCount * 4);
  const id = { layer: 0, expert: 0 };
  await assertRejects(
    () => readExpert(reader, layout, { id, bytes }),
    Error,
    "Cannot read model.layers.0.block_sparse_moe.experts.0.w1",
  );
  assertEquals(watch.inFlight, 0);
});

Deno.test("expertReadLimit() counts an expert as three matrices", () => {
  const limits = [undefined, 1, 3, 5, 12].map((parallelReadCount) =>
    expertReadLimit(slowReader(parallelReadCount).reader)
  );
  assertEquals(limits, [undefined, 1, 1, 1, 4]);
});

Deno.test("WeightReader reads one matrix at a time where it quantizes", async () => {
  using checkpoint = await Checkpoint.open(STORIES);
  const count = (stored: Quantization | null, wanted: Quantization | null) =>
    new WeightReader(checkpoint, {
      stored: stored && { attn: stored, experts: stored },
      wanted: wanted ? { experts: wanted } : {},
    }).parallelReadCount;
  assertEquals(count(null, BITS_2), 1);
  assertEquals(count(null, { bits: 16, ...GROUP_SIZES[16] }), undefined);
  assertEquals(count(null, null), undefined);
  assertEquals(count(BITS_2, BITS_2), undefined);
});
