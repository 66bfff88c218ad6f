import { assertEquals } from "@std/assert";
import { parseConfig } from "./config.ts";
import { countParameters } from "./count_parameters.ts";

Deno.test("countParameters() counts Mixtral-8x7B as its safetensors index does", () => {
  const config = parseConfig({ "model_type": "mixtral" }, "config.json");
  const counts = countParameters(config);
  // total_size of model.safetensors.index.json, 93405585408 bytes, by 2.
  assertEquals(counts.total, 46_702_792_704);
  assertEquals(counts.active, 12_879_925_248);
  assertEquals(counts.expert * 8 * 32, counts.experts);
  assertEquals(counts.attention, 32 * 4096 * (4096 + 1024 + 1024 + 4096));
});

Deno.test("countParameters() counts an embedding that is the output, too, once", () => {
  const of = (tied: boolean) =>
    countParameters(parseConfig(
      { "model_type": "mixtral", "tie_word_embeddings": tied },
      "config.json",
    ));
  assertEquals(of(false).total - of(true).total, 32_000 * 4096);
});
