// deno-lint-ignore-file no-console
/**
 * Perplexity of a model's evaluation text by the bits of its weights.
 *
 * deno run -A bench/perplexity.ts [--model models/stories-17m] [--windows 12]
 *   [--bits 16/16,4/4,4/2]
 *
 * Bits are those of the attention and of the experts.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { load, type WeightBits } from "../mod.ts";
import { perplexity } from "../src/engine/perplexity.ts";

const { model, windows, bits } = parseArgs(Deno.args, {
  string: ["model", "bits"],
  default: {
    model: new URL("../models/stories-17m", import.meta.url).pathname,
    windows: 12,
    bits: "16/16,8/8,4/4,4/3,4/2,3/3,2/2",
  },
}) as unknown as { model: string; windows: number; bits: string };

const text = await Deno.readTextFile(`${model}/eval_stories.txt`);
for (const pair of bits.split(",")) {
  const [attnBits, expertBits] = pair.split("/").map(Number) as WeightBits[];
  using engine = await load(model, { attnBits, expertBits });
  const ids = engine.tokenizer.encode(text, { addSpecialTokens: false });
  const start = performance.now();
  const result = await perplexity(engine, ids.slice(0, windows * 512));
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `${pair.padEnd(6)} ${
      result.perplexity.toFixed(4)
    } (${result.tokenCount} tokens, ${seconds.toFixed(1)} s)`,
  );
}
