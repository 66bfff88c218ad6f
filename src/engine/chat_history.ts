/** Which ids the turns of a conversation were made of. */

/** One answered prompt. */
export interface ChatTurn {
  /** The rendered prompt. */
  readonly prompt: string;
  /** Its ids. */
  readonly promptIds: readonly number[];
  /** The answer, as the next prompt will contain it. */
  readonly answer: string;
  /** Its ids, as they were generated. */
  readonly answerIds: readonly number[];
}

/** How text becomes ids. */
interface Encoder {
  /** Text to ids, without start and end tokens. */
  encode(text: string): number[];
  /** Whether the text begins with a special token such as `</s>`. */
  startsWithSpecialToken(text: string): boolean;
}

/** More turns than this are forgotten, the oldest first. */
const TURN_LIMIT = 64;

/**
 * Remembers the ids of answers, so that a conversation's next prompt consists of
 * the very ids whose keys and values are in the KV cache. Encoding an answer's
 * text again can give other ids: a sampled sequence need not be the tokenizer's
 * own, and a text in the middle of a prompt gets no leading space.
 */
export class ChatHistory {
  readonly #encoder: Encoder;
  #turns: readonly ChatTurn[] = [];

  /**
   * Constructs an empty history.
   *
   * @param encoder How text becomes ids.
   */
  constructor(encoder: Encoder) {
    this.#encoder = encoder;
  }

  /**
   * Encodes a prompt, with the known ids of the turns that it contains.
   *
   * @param prompt A rendered conversation.
   * @returns Its ids.
   */
  encode(prompt: string): number[] {
    for (const turn of this.#turns.toReversed()) {
      if (prompt === turn.prompt) return [...turn.promptIds];
      const known = turn.prompt + turn.answer;
      if (!prompt.startsWith(known)) continue;
      const rest = prompt.slice(known.length);
      // Only before a special token is the rest encoded on its own anyway.
      if (!this.#encoder.startsWithSpecialToken(rest)) continue;
      return [
        ...turn.promptIds,
        ...turn.answerIds,
        ...this.#encoder.encode(rest),
      ];
    }
    return this.#encoder.encode(prompt);
  }

  /** The turns that it remembers, the oldest first. */
  get turns(): readonly ChatTurn[] {
    return this.#turns;
  }

  /**
   * Remembers other turns instead.
   *
   * @param turns The turns, the oldest first.
   */
  replace(turns: readonly ChatTurn[]): void {
    this.#turns = turns.slice(-TURN_LIMIT);
  }

  /**
   * Remembers an answer.
   *
   * @param turn The prompt and the answer, as text and as ids.
   */
  remember(turn: ChatTurn): void {
    this.#turns = [...this.#turns, turn].slice(-TURN_LIMIT);
  }
}
