import { assertEquals, assertThrows } from "@std/assert";
import { parseConfig } from "./config.ts";

const parse = (fields: Record<string, unknown>) =>
  parseConfig({ "model_type": "mixtral", ...fields }, "config.json");

Deno.test("parseConfig() takes the defaults of transformers", () => {
  const config = parse({});
  assertEquals([config.numHiddenLayers, config.numLocalExperts], [32, 8]);
  assertEquals([config.hiddenSize, config.headDim], [4096, 128]);
});

Deno.test("parseConfig() refuses counts that would be walked through forever", () => {
  const cases: [Record<string, unknown>, string][] = [
    [{ "num_hidden_layers": 2 ** 24 }, "num_hidden_layers is 16777216"],
    [{ "num_local_experts": 2 ** 24 }, "num_local_experts is 16777216"],
    [{ "num_attention_heads": 2 ** 24 }, "num_attention_heads is 16777216"],
    [{ "num_key_value_heads": 2 ** 24 }, "num_key_value_heads is 16777216"],
    [
      { "num_hidden_layers": 1024, "num_local_experts": 4096 },
      "num_hidden_layers times num_local_experts is 4194304",
    ],
    [{ "hidden_size": 2 ** 24 + 1 }, "hidden_size is 16777217"],
  ];
  for (const [fields, says] of cases) {
    assertThrows(
      () => parse(fields),
      RangeError,
      `Cannot load a model from config.json: ${says}, wanted `,
    );
  }
});

Deno.test("parseConfig() is short about what it refuses", () => {
  const odd = { "model_type": "x".repeat(100_000) };
  const { message } = assertThrows(() => parse(odd), RangeError);
  assertEquals(message.length < 200, true, message);
});
