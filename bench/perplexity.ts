// deno-lint-ignore-file no-console
/**
 * Perplexity of a model's evaluation text by the bits of its weights, and by how
 * exact activations are.
 *
 * deno run -A bench/perplexity.ts [--model models/stories-17m] [--windows 12]
 *   [--bits 16/16,4/4,4/2] [--window 512]
 *   [--decode] [--activations float32,int16,int8]
 *
 * Bits are those of the attention and of the experts. With --decode tokens run one
 * by one, through the kernels of decode; --activations counts only there, and what
 * is told is the change in percent from the first. A single other one, such as
 * --activations int8, is compared with all. Scales are quantized in groups of 32 then:
 * stories-17m is too small to be read in strips with those of mixtral-offloading. On
 * the CPU it takes the kernels of GPUs, which is slow: a window takes about a minute.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { load, type WeightBits } from "../mod.ts";
import { loadModel } from "../src/engine/load_model.ts";
import { openSource } from "../src/engine/model_source.ts";
import { type LogitsSource, perplexity } from "../src/engine/perplexity.ts";
import { ACTIVATIONS, type Activations } from "../src/gpu/activations.ts";
import { Gpu } from "../src/gpu/device.ts";
import { checkLoadOptions } from "../src/engine/load_options.ts";
import type { Tokenizer } from "../src/text/tokenizer.ts";

const flags = parseArgs(Deno.args, {
  string: ["model", "bits", "activations"],
  boolean: ["decode"],
  default: {
    model: new URL("../models/stories-17m", import.meta.url).pathname,
    windows: 12,
    window: 512,
  },
}) as unknown as {
  model: string;
  windows: number;
  window: number;
  bits?: string;
  activations?: string;
  decode: boolean;
};
const { model, windows, window: windowLength, decode } = flags;
const bits = flags.bits ??
  (decode ? "8/8,4/4,4/2" : "16/16,8/8,4/4,4/3,4/2,3/3,2/2");
if (flags.activations !== undefined && !decode) {
  throw new RangeError(
    "Cannot measure --activations: prompts are float32, wanted --decode",
  );
}

/** With it strips read all matrices of stories-17m. */
const SCALE_GROUP_SIZE = 32;

/** A model that foretells a text. */
interface Foreteller extends Disposable {
  readonly source: LogitsSource;
  readonly tokenizer: Tokenizer;
}

const text = await Deno.readTextFile(`${model}/eval_stories.txt`);
for (const pair of bits.split(",")) {
  const [attnBits, expertBits] = pair.split("/").map(Number) as WeightBits[];
  let first: number | undefined;
  for (const activations of activationsOf()) {
    const options = { attnBits, expertBits, activations };
    using foreteller = decode
      ? await oneByOne(options)
      : await atOnce({ attnBits, expertBits });
    const { source, tokenizer } = foreteller;
    const ids = tokenizer.encode(text, { addSpecialTokens: false });
    const start = performance.now();
    const result = await perplexity(
      source,
      ids.slice(0, windows * windowLength),
      { windowLength },
    );
    const seconds = (performance.now() - start) / 1000;
    first ??= result.perplexity;
    const percent = 100 * (result.perplexity / first - 1);
    const change = `${percent < 0 ? "" : "+"}${percent.toFixed(4)} %`;
    console.log(
      `${pair.padEnd(6)} ${decode ? `${activations.padEnd(7)} ` : ""}${
        result.perplexity.toFixed(4)
      } ${decode ? `${change} ` : ""}(${result.tokenCount} tokens, ${
        seconds.toFixed(1)
      } s)`,
    );
  }
}

/** What to compare: all, or those that are named. */
function activationsOf(): readonly Activations[] {
  if (!decode) return ["float32"];
  const named = (flags.activations ?? "").split(",").filter(Boolean);
  for (const activations of named as Activations[]) {
    checkLoadOptions({ activations });
  }
  return named.length > 1 ? named as Activations[] : ACTIVATIONS;
}

type BitsOptions = Record<"attnBits" | "expertBits", WeightBits | undefined>;

/** Whole windows, as prompts. */
async function atOnce(options: BitsOptions): Promise<Foreteller> {
  const engine = await load(model, options);
  const { tokenizer } = engine;
  return {
    source: engine,
    tokenizer,
    [Symbol.dispose]: () => engine[Symbol.dispose](),
  };
}

/** Tokens one by one, in strips wherever this runs. */
async function oneByOne(
  options: BitsOptions & { activations: Activations },
): Promise<Foreteller> {
  using cleanup = new DisposableStack();
  const source = cleanup.use(await openSource(model));
  const gpu = cleanup.use(await Gpu.open({ wideWorkgroups: true }));
  const groups = (bits: WeightBits | undefined) =>
    bits === 16 ? undefined : SCALE_GROUP_SIZE;
  const wanted = {
    ...options,
    attnScaleGroupSize: groups(options.attnBits),
    expertScaleGroupSize: groups(options.expertBits),
    chunkSize: 1,
    onActivations: ({ notice }: { notice: string | null }) => {
      if (notice !== null) console.error(notice);
    },
  };
  const { config } = source;
  const reader = source.reader(wanted);
  const loaded = await loadModel(gpu, { config, reader, options: wanted });
  const mixtral = cleanup.use(loaded.model);
  const owned = cleanup.move();
  return {
    source: {
      async logits(ids) {
        const logits = new Float32Array(ids.length * config.vocabSize);
        let at = 0;
        for await (const rows of mixtral.forwardAll(ids, 0)) {
          logits.set(rows, at);
          at += rows.length;
        }
        return logits;
      },
    },
    tokenizer: source.text.tokenizer!,
    [Symbol.dispose]: () => owned.dispose(),
  };
}
