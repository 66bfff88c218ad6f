// deno-lint-ignore-file no-console
/**
 * Makes `models/stories-17m-q`, the model that `chat` opens by default, from
 * `models/stories-17m`: 4 bits for attention and experts, by our own quantizer.
 *
 * deno run -A scripts/make_bundled_model.ts
 *
 * @module
 */
import { Checkpoint } from "../src/io/checkpoint.ts";
import { readJson } from "../src/io/json_file.ts";
import {
  type TensorSource,
  writeSafetensors,
} from "../src/io/safetensors_writer.ts";
import { quantizedTensors } from "../src/model/quantized_tensors.ts";
import { GROUP_SIZES, type Quantization } from "../src/model/weights.ts";

const SOURCE = new URL("../models/stories-17m/", import.meta.url).pathname;
const TARGET = new URL("../models/stories-17m-q/", import.meta.url).pathname;
const QUANTIZATION: Quantization = { bits: 4, ...GROUP_SIZES[4] };

using checkpoint = await Checkpoint.open(SOURCE);
const tensors: TensorSource[] = [];
const parts = { attn: QUANTIZATION, experts: QUANTIZATION };
for await (const tensor of quantizedTensors(checkpoint, parts)) {
  tensors.push(tensor);
}
await Deno.mkdir(TARGET, { recursive: true });
await writeSafetensors(`${TARGET}model.safetensors`, tensors, { format: "pt" });

const { bits, groupSize, scaleGroupSize } = QUANTIZATION;
const part = {
  bits,
  "group_size": groupSize,
  "scale_group_size": scaleGroupSize,
};
const config = {
  ...await readJson(`${SOURCE}config.json`) as Record<string, unknown>,
  "quantization_config": {
    "quant_method": "moeno-hqq",
    attn: part,
    experts: part,
  },
};
await Deno.writeTextFile(
  `${TARGET}config.json`,
  JSON.stringify(config, null, 2) + "\n",
);
for (
  const file of [
    "tokenizer.json",
    "tokenizer_config.json",
    "generation_config.json",
  ]
) {
  await Deno.copyFile(`${SOURCE}${file}`, `${TARGET}${file}`);
}
const { size } = await Deno.stat(`${TARGET}model.safetensors`);
console.log(`${TARGET}: ${tensors.length} tensors, ${size} bytes`);
