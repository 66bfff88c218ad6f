import { assertEquals, assertThrows } from "@std/assert";
import { DEFAULTS, type GenerateOptions, resolveOptions } from "./options.ts";

Deno.test("resolveOptions() prefers the caller, then the model", () => {
  const model = { temperature: 0.7, topP: 0.9, eosIds: [2] };
  const options = { temperature: 0.1, topP: undefined, seed: 5 };
  const settings = resolveOptions(options, model);
  assertEquals(settings.temperature, 0.1);
  assertEquals(settings.topP, 0.9);
  assertEquals(settings.topK, DEFAULTS.topK);
  assertEquals(settings.maxTokens, Infinity);
  assertEquals(settings.seed, 5);
  assertEquals(settings.eosIds, [2]);
});

Deno.test("resolveOptions() ends at no token when the end is ignored", () => {
  const settings = resolveOptions({ ignoreEos: true }, { eosIds: [2] });
  assertEquals(settings.eosIds, []);
});

Deno.test("resolveOptions() refuses bad values in one sentence", () => {
  const cases: [GenerateOptions, string][] = [
    [{ temperature: -1 }, "temperature is -1, wanted a number of at least 0"],
    [{ temperature: NaN }, "temperature is NaN, wanted a number of at least 0"],
    [{ topK: 1.5 }, "topK is 1.5, wanted an integer of at least 0"],
    [{ topP: 2 }, "topP is 2, wanted a number from 0 to 1"],
    [{ minP: -0.1 }, "minP is -0.1, wanted a number from 0 to 1"],
    [
      { repetitionPenalty: 0 },
      "repetitionPenalty is 0, wanted a number from 0.001 to 1000",
    ],
    [
      { presencePenalty: -1e308 },
      "presencePenalty is -1e+308, wanted a number",
    ],
    [
      { frequencyPenalty: 1e308 },
      "frequencyPenalty is 1e+308, wanted a number",
    ],
    [
      { repetitionPenalty: 1e-320 },
      "repetitionPenalty is 1e-320, wanted a num",
    ],
    [{ logitBias: { 1: 1e300 } }, "logitBias has 1e+300 for 1, wanted numbers"],
    [{ presencePenalty: Infinity }, "presencePenalty is Infinity, wanted a n"],
    [{ penaltyWindow: -2 }, "penaltyWindow is -2, wanted an integer of at le"],
    [{ maxTokens: -1 }, "maxTokens is -1, wanted an integer of at least 0"],
    [{ seed: 2 ** 53 }, "wanted an integer from 0 to 2^53 - 1"],
    [{ logprobs: -1 }, "logprobs is -1, wanted an integer of at least 0"],
    [{ stop: ["a", ""] }, "a stop string is empty"],
  ];
  for (const [options, message] of cases) {
    assertThrows(() => resolveOptions(options), RangeError, message);
  }
  const wrong = { topK: "many", stop: "x" } as unknown as GenerateOptions;
  assertThrows(() => resolveOptions(wrong), TypeError, 'topK is "many"');
  delete wrong.topK;
  assertThrows(() => resolveOptions(wrong), TypeError, "no list of strings");
});

Deno.test("resolveOptions() takes biases by token ids", () => {
  const { logitBias } = resolveOptions({ logitBias: { 3: -100, 17: 2.5 } });
  assertEquals([...logitBias], [[3, -100], [17, 2.5]]);
  for (const wrong of [{ "-1": 1 }, { a: 1 }, { 3: NaN }, { 3: Infinity }]) {
    assertThrows(
      () => resolveOptions({ logitBias: wrong as Record<number, number> }),
      RangeError,
      "wanted numbers by token ids",
    );
  }
});
