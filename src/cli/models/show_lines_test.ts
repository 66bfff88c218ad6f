import { assert, assertEquals } from "@std/assert";
import type {
  ModelDescription,
  WeightsDescription,
} from "../../engine/describe_model.ts";
import { parseConfig } from "../../model/config.ts";
import { countParameters } from "../../model/count_parameters.ts";
import { formatCount, showLines } from "./show_lines.ts";

const CONFIG = parseConfig(
  { "model_type": "mixtral", "num_local_experts": 128 },
  "config.json",
);
const FLOATS: WeightsDescription = {
  type: "BF16",
  ...{ bits: 16, storedBits: 16, bitsPerWeight: 16 },
  ...{ axis: null, groupSize: null, scaleGroupSize: null, packing: null },
};
const MODEL: ModelDescription = {
  ...{ name: "a\x1b[2Jb", directory: "/models/ab", config: CONFIG },
  parameters: countParameters(CONFIG),
  embeddingType: "BF16",
  weights: { attn: FLOATS, experts: FLOATS },
  byteLengths: {
    ...{ trunk: 1, expert: 1, layerExperts: 1, experts: 1, kvCache: 1 },
    ...{ contextLength: 1, slots: Array.from({ length: 128 }, (_, i) => i) },
  },
  ...{ tokenizer: null, defaults: {}, source: null, isWhole: false },
  chatTemplate: "one\n\x1b]0;two\nthree\nfour\nfive\n",
  files: [
    ...[1, 2, 3, 4, 5].map((i) => ({
      path: `model-${i}.safetensors`,
      ...{ byteLength: 1024, wantedByteLength: 1024 },
    })),
    { path: "lost.safetensors", byteLength: null, wantedByteLength: 7 },
  ],
};

Deno.test("showLines() folds weights that are whole, and slots of many experts", () => {
  const text = showLines(MODEL, { isVerbose: false }).join("\n");
  assert(/5 \*\.safetensors +5\.0 KiB/.test(text), text);
  assert(/lost\.safetensors +missing/.test(text), text);
  const slots = [...text.matchAll(/^ {2}(\d+) slots/gm)].map(([, n]) => n);
  assertEquals(slots, ["2", "4", "8", "16", "32", "64", "128"]);
  const all = showLines(MODEL, { isVerbose: true }).join("\n");
  assert(/model-3\.safetensors +1\.0 KiB/.test(all), all);
});

Deno.test("showLines() lets nothing of a model steer the terminal", () => {
  const lines = showLines(MODEL, { isVerbose: false });
  // deno-lint-ignore no-control-regex
  assert(lines.every((line) => !/[\x00-\x1a\x1c-\x1f]/.test(line)));
  const text = lines.join("\n");
  assert(!text.includes("\x1b[2J") && !text.includes("\x1b]0;"));
  assert(text.includes("four") && !text.includes("five"), text);
  assert(text.includes("--template prints them"));
});

Deno.test("formatCount() writes thousands with a space", () => {
  assertEquals(
    [512, 1000, 17_432_832, 46_702_792_704].map(formatCount),
    ["512", "1.0 K", "17.4 M", "46.7 B"],
  );
});
