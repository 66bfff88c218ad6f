import { assertEquals, assertThrows } from "@std/assert";
import { parseGenerationConfig } from "./generation_config.ts";

Deno.test("parseGenerationConfig() reads what models say", () => {
  assertEquals(
    parseGenerationConfig({
      bos_token_id: 1,
      eos_token_id: 2,
      do_sample: true,
      temperature: 0.7,
      top_p: 0.95,
      top_k: null,
      transformers_version: "4.36",
    }),
    { eosIds: [2], temperature: 0.7, topP: 0.95 },
  );
  assertEquals(
    parseGenerationConfig({
      eos_token_id: [2, 7],
      do_sample: false,
      temperature: 0.7,
      top_k: 50,
      min_p: 0.1,
      repetition_penalty: 1.1,
    }),
    {
      eosIds: [2, 7],
      temperature: 0,
      topK: 50,
      minP: 0.1,
      repetitionPenalty: 1.1,
    },
  );
  assertEquals(parseGenerationConfig({}), {});
});

Deno.test("parseGenerationConfig() refuses what is no number", () => {
  const cases: [unknown, string][] = [
    [[], "Cannot read generation_config.json: it holds no JSON object"],
    [{ temperature: "hot" }, 'temperature is "hot", wanted a number of at l'],
    [{ eos_token_id: ["</s>"] }, 'eos_token_id is "</s>", wanted an integer'],
    [{ top_p: 7 }, "top_p is 7, wanted a number from 0 to 1"],
  ];
  for (const [json, message] of cases) {
    assertThrows(() => parseGenerationConfig(json), Error, message);
  }
});
