// deno-lint-ignore-file no-console
/**
 * Writes a checkpoint of made-up weights in the layout of mixtral-offloading's
 * demo: `config.json`, `quantization_config.json`, an index, a file for the trunk
 * and one for each expert. Token id t routes as token t of a trace.
 *
 * deno run -A scripts/make_synthetic.ts <directory> [--shape mixtral-8x7b]
 *   [--layers N] [--hidden N] [--intermediate N] [--experts N] [--heads N]
 *   [--kv-heads N] [--vocab N] [--expert-bits 2] [--seed 1]
 *   [--routing random | --hit-rate 0.72 --slots 4 | --trace <file>]
 *   [--names relative | absolute] [--tokenizer <directory>]
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { fileError } from "../src/io/file_error.ts";
import { syntheticConfig } from "../src/model/synthetic_shapes.ts";
import {
  SYNTHETIC_PARTS,
  SyntheticWeights,
} from "../src/model/synthetic_weights.ts";
import { GROUP_SIZES } from "../src/model/quantization.ts";
import { writeSynthetic } from "../src/model/write_synthetic.ts";
import { parseTrace } from "../src/offload/routing_trace.ts";
import type { SyntheticRouting } from "../src/offload/synthetic_routing.ts";

/** Flags that change a shape, and the fields of `config.json` that they set. */
const FIELDS = {
  layers: "num_hidden_layers",
  hidden: "hidden_size",
  intermediate: "intermediate_size",
  experts: "num_local_experts",
  heads: "num_attention_heads",
  "kv-heads": "num_key_value_heads",
  vocab: "vocab_size",
};
const NUMBERS = [
  ...Object.keys(FIELDS),
  "expert-bits",
  "seed",
  "hit-rate",
  "slots",
];
const STRINGS = ["shape", "routing", "trace", "names", "tokenizer"];

/** What a tokenizer is made of, as far as a model has it. */
const TOKENIZER_FILES = [
  "tokenizer.json",
  "tokenizer.model",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "chat_template.jinja",
];

type Flags = Record<string, string | undefined>;

/** Writes what the command line asks for; returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const start = performance.now();
  const controller = new AbortController();
  Deno.addSignalListener(
    "SIGINT",
    () => controller.abort(new Error("Cannot go on: Ctrl-C was pressed")),
  );
  try {
    const { directory, flags } = parse(args);
    const parts = {
      ...SYNTHETIC_PARTS,
      experts: expertQuantization(flags["expert-bits"] ?? "2"),
    };
    const names = flags.names ?? "relative";
    if (names !== "relative" && names !== "absolute") {
      throw new Error(`--names is ${names}, wanted relative or absolute`);
    }
    const weights = new SyntheticWeights(configOf(flags), {
      seed: numberOf(flags, "seed"),
      routing: await routingOf(flags),
    });
    const isTerminal = Deno.stderr.isTerminal();
    const written = await writeSynthetic(directory, {
      weights,
      parts,
      names,
      copies: await tokenizerFiles(flags.tokenizer),
      signal: controller.signal,
      onProgress: ({ done, total }) => {
        if (isTerminal) showProgress(`file ${done} of ${total}`);
      },
    });
    if (isTerminal) showProgress("\r");
    const seconds = (performance.now() - start) / 1000;
    const rate = written.byteLength / seconds / 1e6;
    console.log(
      `${directory}: ${written.byteLength} bytes, ${written.tensorCount} names, ${written.fileCount} files in ${
        seconds.toFixed(1)
      } s (${rate.toFixed(0)} MB/s)`,
    );
    return 0;
  } catch (error) {
    console.error(`error: ${(error as Error).message}`);
    return 1;
  }
}

function parse(
  args: readonly string[],
): { directory: string; flags: Flags } {
  const known = [...NUMBERS, ...STRINGS];
  const { _: positional, ...flags } = parseArgs([...args], {
    string: ["_", ...known],
    unknown: (arg: string, key?: string) => {
      if (key === undefined) return;
      throw new Error(
        `Unknown flag ${arg}, wanted --${known.join(", --")}`,
      );
    },
  });
  if (positional.length !== 1) {
    throw new Error(
      `There are ${positional.length} directories, wanted one: deno run -A scripts/make_synthetic.ts <directory> [flags]`,
    );
  }
  return { directory: String(positional[0]), flags: flags as Flags };
}

function configOf(flags: Flags) {
  const fields: Record<string, number> = {};
  for (const [flag, field] of Object.entries(FIELDS)) {
    const value = numberOf(flags, flag);
    if (value !== undefined) fields[field] = value;
  }
  return syntheticConfig(flags.shape ?? "mixtral-8x7b", fields);
}

function expertQuantization(text: string) {
  const bits = [2, 3, 4, 8].find((bits) => String(bits) === text);
  if (bits === undefined) {
    throw new Error(`--expert-bits is ${text}, wanted 2, 3, 4 or 8`);
  }
  return { bits: bits as 2 | 3 | 4 | 8, ...GROUP_SIZES[bits as 2] };
}

async function routingOf(flags: Flags): Promise<SyntheticRouting> {
  const hitRate = numberOf(flags, "hit-rate");
  const slots = numberOf(flags, "slots");
  const { routing, trace } = flags;
  if ((hitRate === undefined) !== (slots === undefined)) {
    throw new Error("--hit-rate and --slots go together, wanted both");
  }
  if (routing !== undefined && routing !== "random") {
    throw new Error(
      `--routing is ${routing}, wanted random, or --hit-rate and --slots, or --trace`,
    );
  }
  if (Number(!!routing) + Number(!!slots) + Number(!!trace) > 1) {
    throw new Error("--routing, --hit-rate and --trace exclude each other");
  }
  if (hitRate !== undefined) return { hitRate, slots: slots! };
  if (trace === undefined) return "random";
  try {
    return parseTrace(await Deno.readFile(trace));
  } catch (error) {
    throw fileError(`read ${trace}`, error);
  }
}

function numberOf(flags: Flags, name: string): number | undefined {
  const text = flags[name];
  if (text === undefined) return undefined;
  if (/^(\d+\.?\d*|\.\d+)$/.test(text)) return Number(text);
  throw new Error(`--${name} is ${JSON.stringify(text)}, wanted a number`);
}

async function tokenizerFiles(directory: string | undefined) {
  if (directory === undefined) return [];
  try {
    const entries = await Array.fromAsync(Deno.readDir(directory));
    const names = entries.map(({ name }) => name);
    if (!names.includes("tokenizer.json")) {
      throw new Error(
        `Cannot copy a tokenizer from ${directory}: it has no tokenizer.json`,
      );
    }
    return TOKENIZER_FILES.filter((name) => names.includes(name))
      .map((name) => `${directory}/${name}`);
  } catch (error) {
    throw fileError(`read ${directory}`, error);
  }
}

function showProgress(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`\r${text.padEnd(30)}`));
}

Deno.exit(await main(Deno.args));
