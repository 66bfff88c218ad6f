import type { OffloadRecord } from "../offload/offload_stats.ts";
import { AheadPicker } from "./ahead_picker.ts";
import { ContextLengthError } from "./context_length_error.ts";
import { logprobs } from "./logprobs.ts";
import { nextTurn } from "./next_turn.ts";
import { areNumbers } from "./non_finite_error.ts";
import type { Settings } from "./options.ts";
import { seededRandom } from "./random.ts";
import { isPlainGreedy, Sampler } from "./sampler.ts";
import type { Sequence, TokenConstraint } from "./sequence.ts";
import { ShapedLogits } from "./shaped_logits.ts";
import { GenerationClock } from "./stats.ts";
import { TextStream } from "./text_stream.ts";

/** A candidate for a place in the text. */
export interface TopLogprob {
  /** The token. */
  id: number;
  /** Its text, on its own. */
  text: string;
  /** ln p under the model's own distribution. */
  logprob: number;
}

/** One step of a generation: a token, or the end. */
export interface Piece {
  /** The token; `null` in the last piece, which is the end. */
  id: number | null;
  /**
   * Text that is certain now: empty while a character is incomplete or a stop
   * string possible.
   */
  text: string;
  /** ln p of the token, if log-probabilities were asked for. */
  logprob?: number;
  /** The most probable tokens at this place, if asked for. */
  topLogprobs?: TopLogprob[];
  /** The record of the generation, in the last piece. */
  final?: GenerateResult;
}

/**
 * Why a text ended: by itself or a stop string, because it was long enough, or
 * because the signal was aborted.
 */
export type FinishReason = "stop" | "length" | "cancelled";

/** The record of a generation. */
export interface GenerateResult {
  /** The generated tokens, without the model's end-of-text token. */
  ids: number[];
  /** The text of all pieces. */
  text: string;
  /** Why it ended. */
  finishReason: FinishReason;
  /** The stop string that ended it, if one did. */
  stopString?: string;
  /** Whether it ended because the context is full. */
  contextFull: boolean;
  /** The seed: with it the same prompt gives the same text. */
  seed: number;
  /** How many tokens the prompt has. */
  promptTokens: number;
  /** How many of them were in the KV cache and did not run again. */
  cachedTokens: number;
  /** How many tokens were generated. */
  completionTokens: number;
  /** From the start to the first token; `null` if there was none. */
  timeToFirstTokenMs: number | null;
  /** Running the prompt. */
  prefillMs: number;
  /** From the first token to the end, less the time that the reader took. */
  decodeMs: number;
  /** Tokens of the prompt run a second; `null` if there were none. */
  prefillTokensPerSecond: number | null;
  /** Tokens after the first a second; `null` if there were none. */
  decodeTokensPerSecond: number | null;
  /** What offloading did, if not all experts are on the GPU. */
  offload?: OffloadRecord;
}

/**
 * The token loop: reuses what the KV cache holds of the prompt, runs the rest,
 * then picks tokens and runs them one by one; where only the largest logit counts,
 * the model picks, and runs some ahead. The last token is usually not run any more,
 * so the cache ends before it. It knows ids, no kernel and no file.
 *
 * @param sequence The model with its KV cache.
 * @param ids The prompt, at least one token.
 * @param settings From `resolveOptions()`.
 * @returns A piece for each token, then one with the rest of the text and the
 * record.
 * @throws {ContextLengthError} If the prompt is longer than the context.
 * @throws {RangeError} If it is empty.
 */
export async function* generate(
  sequence: Sequence,
  ids: readonly number[],
  settings: Settings,
): AsyncGenerator<Piece, void> {
  using _hold = sequence.hold();
  checkPrompt(ids, sequence.model.contextLength);
  const cachedTokens = sequence.reusable(ids);
  const clock = new GenerationClock();
  const made: Made = {
    completion: [],
    context: [...ids],
    text: new TextStream(sequence, ids, settings.stop),
    constraint: constraintOf(sequence, settings),
  };
  const { completion, context, text, constraint } = made;
  const shaped = new ShapedLogits({ ...settings, constraint });
  let ending: Ending | undefined;
  try {
    let logits = await prefill(sequence, ids, settings);
    clock.prefillEnds(sequence.ids.length - cachedTokens);
    const sampler = new Sampler(settings);
    const random = seededRandom(settings.seed);
    const picker = shaped.isPlain ? aheadPicker(sequence, settings) : undefined;
    let picked: number | undefined;
    if (settings.maxTokens === 0) ending = { finishReason: "length" };
    while (logits !== undefined && ending === undefined) {
      const id = picked ??
        sampler.sample(shaped.shape(logits), context, random);
      clock.tokenIsPicked();
      if (settings.eosIds.includes(id)) {
        ending = { finishReason: "stop" };
        break;
      }
      constraint?.accept(id);
      completion.push(id);
      context.push(id);
      const piece = { id, text: text.push(id) };
      const odds = oddsOf(sequence, logits, { id, count: settings.logprobs });
      const waitStart = performance.now();
      yield { ...piece, ...odds };
      clock.readerTook(performance.now() - waitStart);
      await nextTurn();
      ending = endingAfter(sequence, settings, made);
      if (ending !== undefined) break;
      const position = context.length - 1;
      const wanted = settings.maxTokens - completion.length;
      if (picker) picked = await picker.next(id, { position, wanted });
      else logits = await runChecked(sequence, [id], position);
      clock.tokenHasRun();
    }
    if (logits === undefined) ending = { finishReason: "cancelled" };
  } catch (error) {
    sequence.clear(); // logits that are no numbers come from keys that are none
    throw error;
  }
  const rest = text.flush();
  if (text.stopString !== undefined) ending = { finishReason: "stop" };
  const { seed } = settings;
  const facts = { ...ending!, seed, promptTokens: ids.length, cachedTokens };
  yield { id: null, text: rest, final: resultOf(made, clock, facts) };
}

/** What picks tokens after the first, if only the largest logit counts. */
function aheadPicker(
  sequence: Sequence,
  settings: Settings,
): AheadPicker | undefined {
  const { aheadLimit = 0 } = sequence.model;
  const isPlain = isPlainGreedy(settings) && settings.logprobs === undefined;
  return isPlain && aheadLimit > 0
    ? new AheadPicker(sequence, aheadLimit)
    : undefined;
}

/** What holds the text to its format, if anything does. */
function constraintOf(
  { vocabulary }: Sequence,
  { responseFormat }: Settings,
): TokenConstraint | null {
  if (responseFormat === undefined || responseFormat.type === "text") {
    return null;
  }
  if (vocabulary.constraint) return vocabulary.constraint(responseFormat);
  throw new Error(
    "Cannot keep a text to a format: the model has no tokenizer, wanted tokenizer.json",
  );
}

/** What a generation has made so far, and what holds it to its format. */
interface Made {
  /** The generated tokens. */
  readonly completion: number[];
  /** The prompt, then the generated tokens. */
  readonly context: number[];
  readonly text: TextStream;
  readonly constraint: TokenConstraint | null;
}

interface Ending {
  finishReason: FinishReason;
  contextFull?: boolean;
}

function checkPrompt(ids: readonly number[], contextLength: number): void {
  if (ids.length === 0) {
    throw new RangeError(
      "Cannot generate: the prompt is empty, wanted at least one token",
    );
  }
  if (ids.length > contextLength) {
    throw new ContextLengthError(ids.length, contextLength);
  }
}

/** Runs what the cache lacks of the prompt; no logits if it was cancelled. */
async function prefill(
  sequence: Sequence,
  ids: readonly number[],
  { signal, onPrefill }: Settings,
): Promise<Float32Array | undefined> {
  const { chunkSize = Infinity } = sequence.model;
  const start = sequence.reusable(ids);
  const total = ids.length - start;
  let position = start;
  let logits: Float32Array | undefined;
  onPrefill?.({ done: 0, total });
  while (position < ids.length) {
    if (signal?.aborted) return undefined;
    const end = Math.min(ids.length, position + chunkSize);
    logits = await runChecked(sequence, ids.slice(position, end), position);
    position = end;
    onPrefill?.({ done: position - start, total });
    await nextTurn();
  }
  return signal?.aborted ? undefined : logits;
}

/** Runs ids; what shapes logits later might hide that they are no numbers. */
async function runChecked(
  sequence: Sequence,
  ids: readonly number[],
  position: number,
): Promise<Float32Array> {
  const logits = await sequence.run(ids, position);
  if (!areNumbers(logits)) throw await sequence.nonFiniteError();
  return logits;
}

/** Why the text ends after its newest token, if it does. */
function endingAfter(
  sequence: Sequence,
  settings: Settings,
  { completion, context, text, constraint }: Made,
): Ending | undefined {
  if (text.stopString !== undefined) return { finishReason: "stop" };
  if (constraint?.isComplete) return { finishReason: "stop" };
  if (completion.length >= settings.maxTokens) {
    return { finishReason: "length" };
  }
  // The newest token would be run at position context.length - 1.
  if (context.length > sequence.model.contextLength) {
    return { finishReason: "length", contextFull: true };
  }
  return settings.signal?.aborted ? { finishReason: "cancelled" } : undefined;
}

/** The record of a generation, once its text is whole. */
function resultOf(
  { completion, text }: Made,
  clock: GenerationClock,
  facts:
    & Ending
    & Pick<GenerateResult, "seed" | "promptTokens" | "cachedTokens">,
): GenerateResult {
  return {
    ids: completion,
    text: text.all,
    ...(text.stopString !== undefined && { stopString: text.stopString }),
    contextFull: false,
    ...facts,
    completionTokens: completion.length,
    ...clock.times(),
  };
}

function oddsOf(
  { vocabulary }: Sequence,
  logits: Float32Array,
  { id, count }: { id: number; count: number | undefined },
): Pick<Piece, "logprob" | "topLogprobs"> {
  if (count === undefined) return {};
  const { logprob, top } = logprobs(logits, id, count);
  const topLogprobs = top.map((candidate) => ({
    ...candidate,
    text: vocabulary.tokenText(candidate.id),
  }));
  return { logprob, topLogprobs };
}
