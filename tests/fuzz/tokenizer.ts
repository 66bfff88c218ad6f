/** `tokenizer.json` and `tokenizer_config.json`, with texts to encode. */

import fc from "npm:fast-check@4.11.0";
import { assert } from "@std/assert";
import { Tokenizer } from "../../src/text/tokenizer.ts";
import { mutatedJson } from "./_mutated_json.ts";
import { mutatedText } from "./_mutated_bytes.ts";
import { verdictOf } from "./_outcome.ts";
import { SMALL_TOKENIZER, SMALL_TOKENIZER_CONFIG } from "./_small_tokenizer.ts";
import type { Target } from "./_target.ts";

/** Texts of `tokenizer.json`. */
export const TOKENIZER_TEXTS: fc.Arbitrary<string> = mutatedJson(
  [SMALL_TOKENIZER],
  {
    values: [
      ...["BPE", "Unigram", "WordPiece", "▁", "<0xZZ>", "(a+)+$", "["],
      ...["Sequence", "Split", "Strip", "Metaspace", "ByteLevel", "Isolated"],
      { String: "" },
      { Regex: "(a+)+$" },
      { Regex: "[" },
      { type: "ByteLevel" },
      { type: "Strip", content: " ", start: 1e9, stop: 0 },
      { type: "Prepend", prepend: "x".repeat(1000) },
    ],
  },
);

/** A tokenizer and what it is to encode. */
interface Input {
  readonly json: string;
  readonly config: string;
  readonly text: string;
}

/** `Tokenizer` */
export const TOKENIZER: Target<Input> = {
  name: "tokenizer",
  cases: 300,
  inputs: fc.record({
    json: TOKENIZER_TEXTS,
    config: fc.oneof(
      {
        weight: 3,
        arbitrary: fc.constant(JSON.stringify(SMALL_TOKENIZER_CONFIG)),
      },
      { weight: 1, arbitrary: mutatedJson([SMALL_TOKENIZER_CONFIG]) },
    ),
    text: fc.oneof(
      fc.string({ unit: "binary", maxLength: 50 }),
      mutatedText(["Once upon a time, the </s> é 🙂.", "a".repeat(300)]),
    ),
  }),
  feed: ({ json, config, text }) =>
    verdictOf(() => {
      const tokenizer = Tokenizer.fromJson(parse(json), parse(config));
      const { vocabSize } = tokenizer;
      assert(Number.isSafeInteger(vocabSize) && vocabSize >= 0, "vocabSize");
      const ids = tokenizer.encode(text);
      for (const id of ids) {
        assert(Number.isInteger(id) && id >= 0 && id < vocabSize, `id ${id}`);
      }
      assert(typeof tokenizer.decode(ids) === "string", "no text");
      tokenizer.decode([vocabSize, 3, 4, 5, 6, 0]);
    }),
};

/** What is no JSON is another target's business. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
