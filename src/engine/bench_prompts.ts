import type { Tokenizer } from "../text/tokenizer.ts";
import type { ModelSource } from "./model_source.ts";
import { seededRandom } from "./random.ts";

/** What prompts are cut from: which experts work depends on the text. */
const TEXT = `Once upon a time there was a little mouse who lived under an old
mill. Every morning she went down to the river to see how high the water stood,
and every evening she told her brothers what she had seen. One day it rained so
long that the river came up to the door. "We must go to the hill," said the
mouse, but her brothers did not want to leave their warm beds. So she took the
smallest of them by the hand, walked through the rain, and did not look back.
When the sun came out again, the mill was gone, and the others sat in the wet
grass and waited for her. "Next time," they said, "we will listen."

`;

/**
 * Makes the prompts of a benchmark: for a made-up model the ids that follow what
 * it ran last, from 0 on, so that it goes on in the trace that it routes by; for
 * any other the beginning of a text, the same each time, or random ids if there
 * is no tokenizer.
 *
 * @param source The model.
 * @param length Tokens of a prompt.
 * @returns Gives the ids of the next prompt, told how many tokens will follow.
 */
export function benchPrompts(
  { isSynthetic, config, text }: Pick<
    ModelSource,
    "isSynthetic" | "config" | "text"
  >,
  length: number,
): (tokenCount: number) => number[] {
  const { vocabSize } = config;
  if (!isSynthetic) {
    const ids = text.tokenizer === null
      ? randomIds(vocabSize, length)
      : textIds(text.tokenizer, length);
    return () => ids;
  }
  let next = 0;
  return (tokenCount) => {
    const ids = Array.from({ length }, (_, i) => (next + i) % vocabSize);
    next += length + tokenCount;
    return ids;
  };
}

function textIds(tokenizer: Tokenizer, length: number): number[] {
  const ids = tokenizer.encode(TEXT);
  const more = tokenizer.encode(TEXT, { addSpecialTokens: false });
  while (ids.length < length) ids.push(...more);
  return ids.slice(0, length);
}

function randomIds(vocabSize: number, length: number): number[] {
  const random = seededRandom(1);
  return Array.from({ length }, () => Math.floor(random() * vocabSize));
}
