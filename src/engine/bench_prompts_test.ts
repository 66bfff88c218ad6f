import { assert, assertEquals } from "@std/assert";
import { type ModelConfig, parseConfig } from "../model/config.ts";
import { Tokenizer } from "../text/tokenizer.ts";
import { benchPrompts } from "./bench_prompts.ts";

const CONFIG: ModelConfig = {
  ...parseConfig({ model_type: "mixtral" }, "a test"),
  vocabSize: 50,
};
const NO_TEXT = { tokenizer: null, chatTemplate: null, defaults: {} };

Deno.test("benchPrompts() goes through the ids of a made-up model", () => {
  const source = { config: CONFIG, isSynthetic: true, text: NO_TEXT };
  const next = benchPrompts(source, 3);
  assertEquals(next(8), [0, 1, 2]);
  assertEquals(next(35), [11, 12, 13]);
  assertEquals(next(1), [49, 0, 1]);
});

Deno.test("benchPrompts() repeats random ids where there is no tokenizer", () => {
  const source = { config: CONFIG, isSynthetic: false, text: NO_TEXT };
  const next = benchPrompts(source, 100);
  const ids = next(8);
  assertEquals(ids.length, 100);
  assert(ids.every((id) => Number.isInteger(id) && id >= 0 && id < 50));
  assert(new Set(ids).size > 30);
  assertEquals(next(8), ids);
  assertEquals(benchPrompts(source, 100)(8), ids);
});

Deno.test("benchPrompts() cuts a text, repeated where it is too short", async () => {
  const directory = "models/stories-17m-q";
  const read = async (file: string) =>
    JSON.parse(await Deno.readTextFile(`${directory}/${file}`));
  const tokenizer = Tokenizer.fromJson(
    await read("tokenizer.json"),
    await read("tokenizer_config.json"),
  );
  const text = { ...NO_TEXT, tokenizer };
  const source = { config: CONFIG, isSynthetic: false, text };
  const short = benchPrompts(source, 5)(8);
  assertEquals(short, tokenizer.encode("Once upon a time there").slice(0, 5));
  const long = benchPrompts(source, 700)(8);
  assertEquals(long.length, 700);
  assertEquals(long.slice(0, 5), short);
});
