/** Broken models and load options: one sentence each. */

import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { load, type LoadOptions, quantizeModel } from "../mod.ts";
import { settle } from "./_gpu.ts";
import { assertSentence } from "./_sentence.ts";
import { TINY_GROUPS } from "./_quantize.ts";
import {
  tempDirectory,
  TINY_CONFIG,
  tinyCheckpoint,
} from "./_tiny_checkpoint.ts";

const SAFETENSORS = fromFileUrl(
  new URL("testdata/safetensors", import.meta.url),
);

/** A model that is broken in some way. */
interface Broken {
  /** What is wrong. */
  readonly what: string;
  /** Fields of `config.json` that do not fit the tensors. */
  readonly config?: Record<string, unknown>;
  /** Breaks the files. */
  readonly harm?: (path: string) => void;
  readonly options?: LoadOptions;
  /** What the sentence says. */
  readonly says: string;
}

const write = (path: string, text: string) =>
  Deno.writeTextFileSync(path, text);

function removeIfAny(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function link(target: string, path: string): void {
  removeIfAny(path);
  Deno.symlinkSync(target, path);
}

function makePipe(path: string): void {
  const { success } = new Deno.Command("mkfifo", { args: [path] }).outputSync();
  if (!success) throw new Error(`Cannot make ${path}`);
}

const SHARD = "model-2-of-2.safetensors";

/** Models in two shards, each broken in one place. */
const BROKEN: readonly Broken[] = [
  {
    what: "no directory",
    harm: (path) => Deno.removeSync(path, { recursive: true }),
    says: "config.json: there is no such file",
  },
  {
    what: "no config.json",
    harm: (path) => Deno.removeSync(`${path}/config.json`),
    says: "config.json: there is no such file",
  },
  {
    what: "a config.json that is no JSON",
    harm: (path) => write(`${path}/config.json`, '{"model_type":\n\n'),
    says: "not JSON",
  },
  {
    what: "a config.json that is a list",
    harm: (path) => write(`${path}/config.json`, "[]"),
    says: "it is no JSON object",
  },
  {
    what: "an unknown model_type",
    config: { "model_type": "gpt2" },
    says: 'model_type is "gpt2", wanted "mixtral"',
  },
  {
    what: "no model_type",
    config: { "model_type": undefined },
    says: "model_type is missing",
  },
  {
    what: "a size that is no number",
    config: { "hidden_size": "32" },
    says: 'hidden_size is "32"',
  },
  {
    what: "a size of terabytes",
    config: { "vocab_size": 1e15 },
    says: "vocab_size is 1000000000000000",
  },
  {
    what: "heads that do not divide",
    config: { "num_key_value_heads": 3 },
    says: "wanted a multiple of num_key_value_heads",
  },
  {
    what: "more experts a token than there are",
    config: { "num_experts_per_tok": 5 },
    says: "num_experts_per_tok is 5, wanted at most",
  },
  {
    what: "rotary positions of an unknown type",
    config: { "rope_scaling": { type: "yarn", factor: 4 } },
    says: '"yarn"',
  },
  {
    what: "an unknown quantization",
    config: { "quantization_config": { "quant_method": "gptq" } },
    says: '"gptq"',
  },
  {
    what: "a tensor of another shape",
    config: { "intermediate_size": 52 },
    says: "its shape is [48, 32], wanted [52, 32]",
  },
  {
    what: "a vocabulary of another size",
    config: { "vocab_size": 62 },
    says: "its shape is [61, 32], wanted [62, 32]",
  },
  {
    what: "a missing tensor",
    config: { "num_hidden_layers": 3 },
    says: "Cannot find tensor",
  },
  {
    what: "a truncated shard",
    harm: (path) => Deno.truncateSync(`${path}/${SHARD}`, 5000),
    says: SHARD,
  },
  {
    what: "an empty shard",
    harm: (path) => Deno.truncateSync(`${path}/${SHARD}`, 0),
    says: SHARD,
  },
  {
    what: "a missing shard",
    harm: (path) => Deno.removeSync(`${path}/${SHARD}`),
    says: `${SHARD} is missing`,
  },
  {
    what: "a header larger than the file",
    harm: (path) => {
      using file = Deno.openSync(`${path}/${SHARD}`, { write: true });
      file.writeSync(new Uint8Array(new BigUint64Array([50_000_000n]).buffer));
    },
    says: SHARD,
  },
  {
    what: "a header of 2^63 bytes",
    harm: (path) => {
      using file = Deno.openSync(`${path}/${SHARD}`, { write: true });
      file.writeSync(new Uint8Array(new BigUint64Array([2n ** 63n]).buffer));
    },
    says: SHARD,
  },
  {
    what: "a directory in the place of a shard",
    harm: (path) => {
      Deno.removeSync(`${path}/${SHARD}`);
      Deno.mkdirSync(`${path}/${SHARD}`);
    },
    says: SHARD,
  },
  {
    what: "an index that is no JSON",
    harm: (path) => write(`${path}/model.safetensors.index.json`, "<html>"),
    says: "index.json",
  },
  {
    what: "no weights",
    harm: (path) => {
      for (const { name } of [...Deno.readDirSync(path)]) {
        if (name.includes("safetensors")) Deno.removeSync(`${path}/${name}`);
      }
    },
    says: "no weights in it",
  },
  {
    what: "a tokenizer.json that is no JSON",
    harm: (path) => write(`${path}/tokenizer.json`, '{"model": {'),
    says: "tokenizer.json",
  },
  {
    what: "a tokenizer.json of another kind",
    harm: (path) => write(`${path}/tokenizer.json`, '{"model": {"type": "X"}}'),
    says: "Cannot read tokenizer.json",
  },
  {
    what: "a chat template that is no template",
    harm: (path) => write(`${path}/chat_template.jinja`, "{% for %}"),
    says: "Cannot parse the chat template",
  },
  {
    what: "a chat template that is a directory",
    harm: (path) => Deno.mkdirSync(`${path}/chat_template.jinja`),
    says: "chat_template.jinja: it is a directory",
  },
  {
    what: "a tokenizer.json of gigabytes",
    harm: (path) => {
      write(`${path}/tokenizer.json`, "");
      Deno.truncateSync(`${path}/tokenizer.json`, 5e9);
    },
    says: "tokenizer.json: it has 4.7 GiB, wanted at most 256.0 MiB",
  },
  ...Deno.build.os === "windows" ? [] : [
    {
      what: "a config.json that never ends",
      harm: (path: string) => link("/dev/zero", `${path}/config.json`),
      says: "config.json: it is not a file",
    },
    {
      what: "a config.json that is a link to itself",
      harm: (path: string) => link("config.json", `${path}/config.json`),
      says: "config.json: its links lead in a circle",
    },
    // Whoever opens a pipe waits for what writes to it.
    ...["config.json", "tokenizer.json", "chat_template.jinja", SHARD].map((
      name,
    ) => ({
      what: `a pipe in place of ${name}`,
      harm: (path: string) => {
        removeIfAny(`${path}/${name}`);
        makePipe(`${path}/${name}`);
      },
      says: `${name}: it is not a file, wanted a file`,
    })),
  ],
  {
    what: "a temperature below 0 in generation_config.json",
    harm: (path) =>
      write(`${path}/generation_config.json`, '{"temperature": -1}'),
    says: "temperature is -1",
  },
  {
    what: "a group size that does not divide",
    options: { attnBits: 4, attnGroupSize: 24, attnScaleGroupSize: 32 },
    says: "wanted a group size that divides 32",
  },
  {
    what: "a scale group size that does not divide",
    options: { expertBits: 2, expertGroupSize: 16, expertScaleGroupSize: 7 },
    says: "wanted a scale group size that divides",
  },
  {
    what: "a group size without bits",
    options: { attnGroupSize: 16 },
    says: "wanted attnBits",
  },
  {
    what: "5 bits",
    options: { attnBits: 5 as 4 },
    says: "attnBits is 5, wanted one of 16, 8, 4, 3, 2",
  },
  {
    what: "a context beyond the model's",
    options: { contextLength: 129 },
    says: "a context of 129: it was made for 128 positions",
  },
  {
    what: "a context of nothing",
    options: { contextLength: 0 },
    says: "contextLength is 0",
  },
];

for (const { what, config = {}, harm, options, says } of BROKEN) {
  Deno.test(`load() says in a sentence that there is ${what}`, async () => {
    const model = await tinyCheckpoint({ shardCount: 2 });
    try {
      write(
        `${model.path}/config.json`,
        JSON.stringify({ ...TINY_CONFIG, ...config }),
      );
      harm?.(model.path);
      await assertSentence(() => load(model.path, options), says);
    } finally {
      await Deno.mkdir(model.path, { recursive: true }); // it may be gone
      model[Symbol.dispose]();
      await settle();
    }
  });
}

Deno.test({
  name: "quantizeModel() copies no pipe, and leaves nothing",
  ignore: Deno.build.os === "windows",
  async fn() {
    using model = await tinyCheckpoint();
    using place = tempDirectory();
    makePipe(`${model.path}/LICENSE`);
    const options = { ...TINY_GROUPS, workerCount: 1 };
    await assertSentence(
      () => quantizeModel(model.path, `${place.path}/q`, options),
      "LICENSE: it is not a file",
    );
    const isThere = await Deno.stat(`${place.path}/q`)
      .then(() => true, () => false);
    assertEquals(isThere, false);
  },
});

Deno.test("load() says in a sentence what is wrong with a safetensors file", async () => {
  using model = await tinyCheckpoint();
  const names = (await Array.fromAsync(Deno.readDir(SAFETENSORS)))
    .map(({ name }) => name);
  for (const name of names.filter((name) => name.endsWith(".safetensors"))) {
    await Deno.copyFile(
      `${SAFETENSORS}/${name}`,
      `${model.path}/model.safetensors`,
    );
    await assertSentence(() => load(model.path), model.path); // also of good ones
  }
  await settle();
});
