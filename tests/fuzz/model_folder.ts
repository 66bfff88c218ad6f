/** Folders that are given as a model: each file of them, and files that are none. */

import fc from "npm:fast-check@4.11.0";
import { assert } from "@std/assert";
import { describeModel } from "../../src/engine/describe_model.ts";
import { showLines } from "../../src/cli/models/show_lines.ts";
import { TINY_CONFIG, tinyCheckpoint } from "../_tiny_checkpoint.ts";
import { mutatedBytes, mutatedText } from "./_mutated_bytes.ts";
import { mutatedJson } from "./_mutated_json.ts";
import { verdictOf } from "./_outcome.ts";
import { SMALL_TOKENIZER, SMALL_TOKENIZER_CONFIG } from "./_small_tokenizer.ts";
import { SAFETENSORS_FILES } from "./safetensors.ts";
import { TOKENIZER_TEXTS } from "./tokenizer.ts";
import type { Target } from "./_target.ts";

const CONFIG = {
  ...TINY_CONFIG,
  ...{ "vocab_size": 40, "hidden_act": "silu", "head_dim": 8 },
  "rope_parameters": { "rope_type": "default", "rope_theta": 10_000 },
};

const GENERATION = {
  ...{
    "eos_token_id": [2, 3],
    "bos_token_id": 1,
    temperature: 0.7,
    "top_k": 40,
  },
  ...{ "top_p": 0.9, "min_p": 0, "repetition_penalty": 1.1, "do_sample": true },
};

/** As HQQ and as this program name a quantization. */
const QUANTIZATIONS = [
  { "quant_method": "moeno-hqq", attn: { bits: 4, "group_size": 64, axis: 0 } },
  { "quant_config": { "weight_quant_params": { nbits: 4, "group_size": 64 } } },
];

const PULLED = {
  ...{ owner: "o", name: "n", revision: "main", commit: "a".repeat(40) },
  ...{ endpoint: "https://hub.example", pulledAt: "2026-01-01T00:00:00Z" },
  files: [{ path: "config.json", byteLength: 9, sha256: null }],
};

/** What models in other formats begin with. */
const JUNK = [
  "GGUF\x03\0\0\0\x01\0\0\0\0\0\0\0",
  "PK\x03\x04",
  "\x80\x02}q\0",
  "ggml",
]
  .map((text) => Uint8Array.from(text, (char) => char.charCodeAt(0)));

const encode = (text: string) => new TextEncoder().encode(text);

/** A file that is put in place of the valid one. */
interface Change {
  readonly name: string;
  /** A text, or bytes; `null` takes the file away. */
  readonly content: string | Uint8Array | null;
}

const file = (name: string, texts: fc.Arbitrary<string>) =>
  texts.map((content): Change => ({ name, content }));

const change: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 6,
    arbitrary: file(
      "config.json",
      mutatedJson([
        CONFIG,
        ...QUANTIZATIONS.map((it) => ({
          ...CONFIG,
          "quantization_config": it,
        })),
      ], { values: ["mixtral", 16777216, 48, 32, 40, 8, 3, ...QUANTIZATIONS] }),
    ),
  },
  {
    weight: 2,
    arbitrary: file("generation_config.json", mutatedJson([GENERATION])),
  },
  {
    weight: 2,
    arbitrary: file(
      "tokenizer_config.json",
      mutatedJson([SMALL_TOKENIZER_CONFIG]),
    ),
  },
  { weight: 2, arbitrary: file("tokenizer.json", TOKENIZER_TEXTS) },
  {
    weight: 1,
    arbitrary: file(
      "chat_template.jinja",
      mutatedText(["{{ bos_token }}{% if x %}{% endif %}"]),
    ),
  },
  { weight: 1, arbitrary: file("moeno-source.json", mutatedJson([PULLED])) },
  {
    weight: 2,
    arbitrary: fc.record({
      name: fc.constantFrom("model.safetensors", "a.safetensors"),
      content: fc.oneof(SAFETENSORS_FILES, mutatedBytes(JUNK)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      name: fc.constantFrom("model.gguf", "pytorch_model.bin", "config.json"),
      content: mutatedBytes(JUNK),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "config.json",
      "tokenizer.json",
      "model.safetensors",
    )
      .map((name): Change => ({ name, content: null })),
  },
);

/** Where the valid folder is, once it was made. */
let made: Promise<Map<string, Uint8Array>> | undefined;

/** `describeModel()`, which reads all that loading reads before the weights. */
export const MODEL_FOLDER: Target<readonly Change[]> = {
  name: "model folder",
  cases: 300,
  inputs: fc.array(change, { minLength: 1, maxLength: 2 }),
  async feed(changes, { path }) {
    const valid = await (made ??= makeValid(path));
    const folder = `${path}/model`;
    for (const { name, content } of changes) await put(folder, name, content);
    try {
      return await verdictOf(async () => {
        const model = await describeModel(folder);
        const lines = showLines(model, { isVerbose: true }).join("\n");
        assert(
          !/\p{Cc}/u.test(lines.replaceAll("\n", "")),
          `controls: ${lines}`,
        );
        assert(!/\b(NaN|undefined)\b/.test(lines), lines);
      });
    } finally {
      for (const { name } of changes) {
        await put(folder, name, valid.get(name) ?? null);
      }
    }
  },
};

async function put(
  folder: string,
  name: string,
  content: Change["content"],
): Promise<void> {
  const path = `${folder}/${name}`;
  if (content === null) await Deno.remove(path).catch(() => {});
  else if (typeof content === "string") await Deno.writeTextFile(path, content);
  else await Deno.writeFile(path, content);
}

async function makeValid(path: string): Promise<Map<string, Uint8Array>> {
  Deno.env.set("TMPDIR", path);
  using model = await tinyCheckpoint({ config: CONFIG });
  const files = new Map<string, Uint8Array>();
  for await (const { name } of Deno.readDir(model.path)) {
    files.set(name, await Deno.readFile(`${model.path}/${name}`));
  }
  files.set("tokenizer.json", encode(JSON.stringify(SMALL_TOKENIZER)));
  files.set(
    "tokenizer_config.json",
    encode(JSON.stringify(SMALL_TOKENIZER_CONFIG)),
  );
  await Deno.mkdir(`${path}/model`, { recursive: true });
  for (const [name, bytes] of files) {
    await Deno.writeFile(`${path}/model/${name}`, bytes);
  }
  const { byteLengths } = await describeModel(`${path}/model`);
  assert(byteLengths.expert > 0, "the valid model is not valid");
  return files;
}
