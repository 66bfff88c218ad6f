/** What a model is told in tests of offloading, and what it answers. */

import { fromFileUrl } from "@std/path";
import type { Mixtral } from "../src/model/mixtral.ts";
import { Random } from "./_random.ts";

/** Models to offload, the smallest last. */
export const MODELS = {
  "stories-17m-q": path("../models/stories-17m-q"),
  "a_gqa_8e": path("testdata/hf_mixtral/a_gqa_8e"),
  "c_sw8_mqa": path("testdata/hf_mixtral/c_sw8_mqa"),
};

function path(name: string): string {
  return fromFileUrl(new URL(name, import.meta.url));
}

/** A turn of a conversation. */
export interface Turn {
  /** How many positions of what was run before it keeps; -1 for all. */
  readonly keep: number;
  /** How many tokens it is told. */
  readonly promptLength: number;
  /** How many it answers. */
  readonly answerLength: number;
}

/** Prefix reuse, a prompt of many chunks, a prompt of one token, decode. */
export const TURNS: readonly Turn[] = [
  { keep: 0, promptLength: 13, answerLength: 9 },
  { keep: 7, promptLength: 50, answerLength: 8 },
  { keep: -1, promptLength: 1, answerLength: 6 },
];

/** All that came out. */
export interface Transcript {
  /** The generated tokens. */
  readonly ids: number[];
  /** The logits of each step, as words: equal bits, not equal numbers. */
  readonly logits: Uint32Array[];
}

/**
 * Talks to a model. Tokens are drawn from what it says, so that its routing
 * wanders; equal logits draw equal tokens.
 *
 * @param model The model.
 * @param turns The conversation.
 * @param seed Where prompts and draws begin.
 * @returns What it answered.
 */
export async function talk(
  model: Mixtral,
  turns: readonly Turn[],
  seed: number,
): Promise<Transcript> {
  const random = new Random(seed);
  const { vocabSize } = model.config;
  const ids: number[] = [];
  const logits: Uint32Array[] = [];
  let position = 0;
  for (const { keep, promptLength, answerLength } of turns) {
    if (keep >= 0) position = keep;
    let tokens = random.integers(promptLength, vocabSize);
    for (let i = 0; i < answerLength; i++) {
      const row = await model.forward(tokens, position);
      logits.push(new Uint32Array(row.slice().buffer));
      position += tokens.length;
      tokens = [draw(row, random)];
      ids.push(tokens[0]!);
    }
  }
  return { ids, logits };
}

/** Draws a token with the probability that the logits give it. */
function draw(logits: Float32Array, random: Random): number {
  const highest = logits.reduce((a, b) => Math.max(a, b));
  const weights = logits.map((v) => Math.exp(v - highest));
  let left = random.next() * weights.reduce((a, b) => a + b);
  for (const [id, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return id;
  }
  return logits.length - 1;
}

/**
 * Fails unless two transcripts are the same to the bit.
 *
 * @param actual What came out.
 * @param expected What the fully resident model says.
 * @param what How it came about, for the failure.
 */
export function assertSameBits(
  actual: Transcript,
  expected: Transcript,
  what: string,
): void {
  for (const [step, row] of expected.logits.entries()) {
    const other = actual.logits[step]!;
    const at = row.findIndex((word, i) => word !== other[i]);
    if (at < 0 && actual.ids[step] === expected.ids[step]) continue;
    throw new Error(
      `Logit ${at} of step ${step} differs from the resident model's: ${what}`,
    );
  }
}
