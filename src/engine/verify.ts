/** Whether a model computes on this machine what it should. */

import type { ModelConfig } from "../model/config.ts";
import { benchPrompts } from "./bench_prompts.ts";
import { contextLengthOf } from "./context_length.ts";
import type { LoadOptions } from "./load_options.ts";
import { ModelSeries } from "./model_series.ts";
import { type ModelSource, openSource } from "./model_source.ts";
import { NO_SLOTS } from "./no_slots.ts";
import { verifyLengths, verifyWays } from "./verify_cases.ts";
import type { VerifyOptions } from "./verify_options.ts";
import {
  judgePrefill,
  type PrefillRuns,
  runPrefill,
} from "./verify_prefill.ts";
import { runPlain } from "./verify_plain.ts";
import { judgeReference, roundingOf } from "./verify_reference.ts";
import { firstRoutingDifference, RoutingLog } from "./verify_routing.ts";
import type { VerifyRow } from "./verify_row.ts";
import { compareTranscripts, talk, type TalkOptions } from "./verify_talk.ts";
import { baseOptions, compareWay, describeLoaded } from "./verify_ways.ts";

/** Tokens of the prompt that nobody gives. */
const PROMPT_TOKENS = 96;
/** The most tokens of a text; more show nothing new. */
const PROMPT_LIMIT = 1024;
/** How long the plain reference may take. */
const REFERENCE_MS = { full: 60_000, quick: 10_000 };

/**
 * Verifies a model on this machine, with the weights and options of the user:
 *
 * - the same seed gives the same text, to the bit;
 * - wherever experts are, whoever decides which come and go, the answer is that of
 *   another placement, to the bit;
 * - the GPU computes what plain loops on the CPU do, but for rounding;
 * - a prompt at once gives what its tokens one by one give, but for rounding.
 *
 * What rounding may come to is 16 times what it does to the plain model, which runs
 * in float64 and in float32.
 *
 * @param directory The model's directory.
 * @param options How it is loaded, and what to compare.
 * @returns Rows, as they are done.
 * @throws {RangeError} If prompt and tokens do not fit in the context.
 * @throws {Error} If there is no GPU, the model does not fit, or it was aborted.
 *
 * @example
 * ```ts
 * import { verify } from "../../mod.ts";
 * import { assertNotEquals } from "@std/assert";
 *
 * const rows = verify("models/stories-17m-q", { quick: true, tokens: 4, positions: 4 });
 * for await (const { what, verdict } of rows) assertNotEquals(verdict, "different", what);
 * ```
 */
export async function* verify(
  directory: string,
  options: VerifyOptions = {},
): AsyncGenerator<VerifyRow, void> {
  using source = await openSource(directory);
  yield* verifySource(source, options);
}

/**
 * Verifies a model, wherever its weights come from.
 *
 * @param source The model.
 * @param options How it is loaded, and what to compare.
 * @returns Rows, as they are done.
 * @throws {Error} As `verify()` does.
 */
export async function* verifySource(
  source: ModelSource,
  options: VerifyOptions = {},
): AsyncGenerator<VerifyRow, void> {
  const { config } = source;
  const { tokens = 32, seed = 1, quick = false, signal } = options;
  const load = { ...options.load, onProgress: options.onProgress };
  const prompt = promptOf(source, options.prompt);
  checkContext(contextLengthOf(config, load), { prompt, tokens });
  using series = await ModelSeries.open(source, load);
  const planned = series.plan(load);
  options.onOpen?.({
    model: source.name,
    adapter: series.gpu.name,
    tuning: series.tuning,
    promptTokens: prompt.length,
    tokens,
    seed,
  });
  const { onProgress } = options;
  const said: TalkOptions = {
    ...{ prompt, tokenCount: tokens, seed, signal, onProgress },
  };
  const base = await runBase(series, {
    load: baseOptions(series, { load, planned, config }),
    config,
    said,
    lengths: verifyLengths(prompt.length, quick),
  });
  yield {
    check: "seed",
    what: "prompt and seed again",
    against: "the first time",
    ...compareTranscripts(base.second, base.first),
  };
  const ways = verifyWays({
    load,
    slots: planned.slots,
    expertCount: config.numLocalExperts,
    topK: config.numExpertsPerTok,
    isQuick: quick,
  });
  for (const way of ways) {
    yield await compareWay(series, { ...load, ...NO_SLOTS, ...way }, {
      said,
      expected: base.first,
      against: base.description,
      expertCount: config.numLocalExperts,
    });
  }
  yield* comparePlain(source, {
    ...options,
    load,
    ids: prompt,
    runs: base.runs,
  });
}

/** Runs the model that all others are compared with. */
async function runBase(
  series: ModelSeries,
  { load, config, said, lengths }: {
    load: LoadOptions;
    config: ModelConfig;
    said: TalkOptions;
    lengths: readonly number[];
  },
) {
  const log = new RoutingLog(config);
  using loaded = await series.load({ ...load, onRouting: log.listen });
  const { model } = loaded;
  const first = await talk(model, said);
  const second = await talk(model, said);
  const { prompt, signal, onProgress } = said;
  const runs = await runPrefill(model, prompt, {
    ...{ lengths, log, signal, onProgress },
  });
  return { description: describeLoaded(loaded, load), first, second, runs };
}

/** The plain model, which also tells what rounding may come to. */
async function* comparePlain(
  source: ModelSource,
  { load, ids, runs, ...options }:
    & Omit<VerifyOptions, "load">
    & { load: LoadOptions; ids: readonly number[]; runs: PrefillRuns },
): AsyncGenerator<VerifyRow, void> {
  const { decoded, whole } = runs;
  const plain = await runPlain({
    config: source.config,
    weights: source.reader(load),
    ids,
    positionCount: options.positions && Math.min(options.positions, ids.length),
    budgetMs: options.quick ? REFERENCE_MS.quick : REFERENCE_MS.full,
    routings: whole.routings,
    signal: options.signal,
    onProgress: options.onProgress,
  });
  const rounding = roundingOf(plain);
  const check = "reference";
  const against = "plain loops in float64 on the CPU";
  yield {
    ...{ check, what: "a prompt at once", against },
    ...judgeReference(whole, plain, rounding),
  };
  // The plain model went where the prompt went.
  const other = firstRoutingDifference(decoded.routings, whole.routings);
  const alike = {
    logits: decoded.logits.slice(0, other?.position),
    routings: decoded.routings.map((layer) => layer.slice(0, other?.position)),
  };
  const { activations = "float32" } = load;
  const tell = (row: VerifyRow) =>
    activations === "float32" ? row : notJudged(row, activations);
  if (alike.logits.length > 0) {
    yield tell({
      ...{ check, what: "single tokens", against },
      ...judgeReference(alike, plain, rounding),
    });
  }
  yield tell({
    check: "prefill",
    what: `prompts of ${[...runs.prompts.keys()].join(", ")} tokens at once`,
    against: "single tokens",
    ...judgePrefill(runs, rounding),
  });
}

/** With inputs of fewer bits single tokens are meant to differ. */
function notJudged(row: VerifyRow, activations: string): VerifyRow {
  const note = `measured, not judged: ${activations} is meant to differ`;
  return { ...row, verdict: "skipped", notes: [note] };
}

/** The ids of the prompt, no more than are worth it. */
function promptOf(
  source: ModelSource,
  prompt: VerifyOptions["prompt"],
): number[] {
  if (prompt === undefined) return benchPrompts(source, PROMPT_TOKENS)(0);
  if (typeof prompt !== "string") return [...prompt];
  const { tokenizer } = source.text;
  if (tokenizer === null) {
    throw new Error(
      `Cannot turn text into ids for ${source.name}: it has no tokenizer, wanted one, or no prompt`,
    );
  }
  return tokenizer.encode(prompt).slice(0, PROMPT_LIMIT);
}

function checkContext(
  contextLength: number,
  { prompt, tokens }: { prompt: readonly number[]; tokens: number },
): void {
  if (prompt.length === 0) {
    throw new RangeError("Cannot verify: the prompt is empty, wanted a token");
  }
  // The second prompt is half of the first and what was drawn.
  const wanted = prompt.length + tokens;
  if (wanted <= contextLength) return;
  throw new RangeError(
    `Cannot verify with a prompt of ${prompt.length} tokens and ${tokens} after it: the context holds ${contextLength}, wanted ${wanted} or more`,
  );
}
