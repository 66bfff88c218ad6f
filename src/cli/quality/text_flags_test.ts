import { assertEquals, assertThrows } from "@std/assert";
import { syntheticConfig } from "../../model/synthetic_shapes.ts";
import { Tokenizer } from "../../text/tokenizer.ts";
import type { FlagValue } from "../args.ts";
import { describeText, prepareText } from "./text_flags.ts";

const MODEL = "models/stories-17m";
const tokenizer = Tokenizer.fromJson(
  JSON.parse(await Deno.readTextFile(`${MODEL}/tokenizer.json`)),
);
const TEXT = (await Deno.readTextFile(`${MODEL}/eval_stories.txt`))
  .slice(0, 3000);

function prepare(values: Record<string, FlagValue>, maxPositions = 512) {
  const config = {
    ...syntheticConfig("tiny"),
    maxPositionEmbeddings: maxPositions,
  };
  const text = { tokenizer, chatTemplate: null, defaults: {} };
  return prepareText(TEXT, { name: "it", config, text }, values);
}

Deno.test("prepareText() takes the text as it is, without special tokens", () => {
  const { ids, options, description } = prepare({});
  const plain = tokenizer.encode(TEXT, { addSpecialTokens: false });
  assertEquals(ids, plain);
  assertEquals(description, {
    ...{ window: 512, stride: 512, windowCount: 1, bos: "none", decode: false },
  });
  assertEquals(describeText(description), "1 window of 512 tokens");
  // All tokens together make the text, with the space that precedes any.
  const byteLength = ids.reduce((sum, id) => sum + options.byteLengthOf(id), 0);
  assertEquals(byteLength, new TextEncoder().encode(TEXT).length + 1);
});

Deno.test("prepareText() puts the start token where it is wanted", () => {
  const text = prepare({ bos: "text", windowLength: 64 });
  assertEquals(text.ids[0], tokenizer.bosId);
  assertEquals(text.options.prefixId, undefined);
  const windows = prepare({ bos: "windows", windowLength: 64, stride: 32 });
  assertEquals(windows.ids[0] === tokenizer.bosId, false);
  assertEquals(windows.options.prefixId, tokenizer.bosId);
  const { windowCount } = windows.description;
  assertEquals(windowCount, 1 + Math.floor((windows.ids.length - 63) / 32));
  assertEquals(
    describeText(windows.description),
    `${windowCount} windows of 64 tokens, a stride of 32, a start token in each`,
  );
});

Deno.test("prepareText() knows what a model was made for", () => {
  assertEquals(prepare({}, 128).description.window, 128);
  assertThrows(
    () => prepare({ windowLength: 129 }, 128),
    RangeError,
    "windows of 129 tokens: the model was made for 128 positions, wanted",
  );
});
