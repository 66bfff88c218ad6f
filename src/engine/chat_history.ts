/** Which ids the turns of conversations were made of. */

import { sharedLength } from "./shared_length.ts";

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
export interface ChatEncoder {
  /** Text to ids, without start and end tokens. */
  encode(text: string): number[];
  /** Whether the text begins with a special token such as `</s>`. */
  startsWithSpecialToken(text: string): boolean;
}

/** How much a history remembers; what was not used for longest goes first. */
export interface ChatHistoryLimits {
  /**
   * Turns of all conversations. Each that begins a conversation is compared with
   * each prompt.
   *
   * @default {4096}
   */
  readonly turnCount?: number;
  /**
   * Bytes of their texts and ids: 64 conversations that fill 4096 tokens take 4 MB.
   *
   * @default {16 MiB}
   */
  readonly byteLength?: number;
}

/** A turn, without what the turns before it say. */
interface TurnNode {
  /** The turn before it; `null` at the root. */
  readonly parent: TurnNode | null;
  /** What its prompt adds to what was said before. */
  readonly rest: string;
  readonly restIds: readonly number[];
  readonly answer: string;
  readonly answerIds: readonly number[];
  /** Turns that go on from here; the latest used is the last. */
  readonly next: Set<TurnNode>;
}

/** A turn that is at the start of a prompt. */
interface Match {
  readonly turn: TurnNode;
  /** Whether its prompt is the whole prompt; its answer is in it otherwise. */
  readonly isWhole: boolean;
  /** How much of the prompt's text it explains. */
  readonly length: number;
}

/** Of objects, not of what is in them. */
const NODE_BYTE_LENGTH = 256;

/**
 * Remembers the ids of answers, so that a conversation's next prompt consists of
 * the very ids whose keys and values are in the KV cache. Encoding an answer's
 * text again can give other ids: a sampled sequence need not be the tokenizer's
 * own, and a text in the middle of a prompt gets no leading space.
 *
 * Turns form a tree: what conversations have in common, turn for turn, is there
 * once, and a long conversation takes no more than its last prompt.
 */
export class ChatHistory {
  readonly #encoder: ChatEncoder;
  readonly #turnLimit: number;
  readonly #byteLimit: number;
  readonly #root = makeNode(null, {
    rest: "",
    restIds: [],
    answer: "",
    answerIds: [],
  });
  /**
   * All turns, the one that was not used for longest first. Who uses a turn uses
   * all before it, so nothing goes on from the first.
   */
  readonly #turns = new Set<TurnNode>();
  #byteLength = 0;

  /**
   * Constructs an empty history.
   *
   * @param encoder How text becomes ids.
   * @param limits How much it remembers.
   */
  constructor(
    encoder: ChatEncoder,
    { turnCount = 4096, byteLength = 16 * 2 ** 20 }: ChatHistoryLimits = {},
  ) {
    this.#encoder = encoder;
    this.#turnLimit = turnCount;
    this.#byteLimit = byteLength;
  }

  /** Bytes of what it remembers, about. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /**
   * Encodes a prompt, with the known ids of the turns that it contains. If several
   * conversations began like this, the one that explains most of the prompt counts,
   * and of those the latest.
   *
   * @param prompt A rendered conversation.
   * @returns Its ids.
   */
  encode(prompt: string): number[] {
    const found = longest(this.#matches(prompt));
    if (found === undefined) return this.#encoder.encode(prompt);
    this.#use(found.turn);
    const { promptIds, answerIds } = turnOf(found.turn);
    if (found.isWhole) return promptIds;
    const rest = this.#encoder.encode(prompt.slice(found.length));
    return [...promptIds, ...answerIds, ...rest];
  }

  /**
   * Remembers an answer.
   *
   * @param turn The prompt and the answer, as text and as ids.
   */
  remember({ prompt, promptIds, answer, answerIds }: ChatTurn): void {
    const before = longest(
      this.#matches(prompt).filter(({ turn, isWhole }) =>
        !isWhole && startsWith(promptIds, knownIds(turn))
      ),
    );
    const parent = before?.turn ?? this.#root;
    const said = {
      rest: unsliced(prompt.slice(before?.length ?? 0)),
      restIds: promptIds.slice(knownIds(parent).length),
      answer: unsliced(answer),
      answerIds: [...answerIds],
    };
    const same = parent.next.values().find((turn) => isSame(turn, said));
    if (same === undefined) this.#add(makeNode(parent, said));
    else this.#use(same);
  }

  /**
   * The turns that ids begin with.
   *
   * @param ids Ids of a conversation, perhaps without the end of the last answer.
   * @returns The turns that they hold, each after those that it goes on from.
   */
  turnsOf(ids: readonly number[]): ChatTurn[] {
    const turns: ChatTurn[] = [];
    const collect = (from: TurnNode) => {
      for (const node of from.next) {
        const turn = turnOf(node);
        const said = knownIds(node);
        const shared = sharedLength(ids, said);
        if (shared < turn.promptIds.length) continue;
        if (shared < Math.min(ids.length, said.length)) continue; // other answer
        turns.push(turn);
        collect(node);
      }
    };
    collect(this.#root);
    return turns;
  }

  /** All turns that are at the start of a prompt. */
  *#matches(
    prompt: string,
    from = this.#root,
    at = 0,
  ): Generator<Match, void> {
    for (const turn of from.next) {
      // `startsWith()` takes 30 times as long where conversations begin alike.
      if (prompt.slice(at, at + turn.rest.length) !== turn.rest) continue;
      const promptEnd = at + turn.rest.length;
      if (promptEnd === prompt.length) {
        yield { turn, isWhole: true, length: promptEnd };
      } else if (prompt.startsWith(turn.answer, promptEnd)) {
        const length = promptEnd + turn.answer.length;
        const rest = prompt.slice(length);
        // Only before a special token is the rest encoded on its own anyway.
        if (!this.#encoder.startsWithSpecialToken(rest)) continue;
        yield { turn, isWhole: false, length };
        yield* this.#matches(prompt, turn, length);
      }
    }
  }

  #add(turn: TurnNode): void {
    if (byteLengthOf(turn) > this.#byteLimit) return;
    this.#byteLength += byteLengthOf(turn);
    this.#use(turn);
    while (
      this.#turns.size > this.#turnLimit || this.#byteLength > this.#byteLimit
    ) {
      const oldest = this.#turns.values().next().value!;
      this.#turns.delete(oldest);
      oldest.parent!.next.delete(oldest);
      this.#byteLength -= byteLengthOf(oldest);
    }
  }

  /** Makes a turn the latest used, and those before it even later. */
  #use(turn: TurnNode): void {
    for (let node = turn; node.parent !== null; node = node.parent) {
      for (const set of [this.#turns, node.parent.next]) {
        set.delete(node);
        set.add(node);
      }
    }
  }
}

type Said = Pick<TurnNode, "rest" | "restIds" | "answer" | "answerIds">;

function makeNode(parent: TurnNode | null, said: Said): TurnNode {
  return { parent, ...said, next: new Set() };
}

function longest(matches: Iterable<Match>): Match | undefined {
  let best: Match | undefined;
  for (const match of matches) {
    if (match.length >= (best?.length ?? 0)) best = match;
  }
  return best;
}

/** The whole turn. */
function turnOf(turn: TurnNode): ChatTurn & { promptIds: number[] } {
  const path: TurnNode[] = [];
  for (let node = turn.parent; node?.parent; node = node.parent) {
    path.unshift(node);
  }
  const before = path.map(({ rest, answer }) => rest + answer).join("");
  const ids = path.flatMap(({ restIds, answerIds }) => [
    ...restIds,
    ...answerIds,
  ]);
  return {
    prompt: before + turn.rest,
    promptIds: [...ids, ...turn.restIds],
    answer: turn.answer,
    answerIds: turn.answerIds,
  };
}

/** The ids of a turn with its answer. */
function knownIds(turn: TurnNode): number[] {
  const { promptIds, answerIds } = turnOf(turn);
  return [...promptIds, ...answerIds];
}

function startsWith(
  ids: readonly number[],
  start: readonly number[],
): boolean {
  return sharedLength(ids, start) === start.length;
}

function isSame(a: Said, b: Said): boolean {
  return a.rest === b.rest && a.answer === b.answer &&
    areEqual(a.restIds, b.restIds) && areEqual(a.answerIds, b.answerIds);
}

function areEqual(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && startsWith(a, b);
}

function byteLengthOf({ rest, restIds, answer, answerIds }: TurnNode): number {
  return NODE_BYTE_LENGTH + 2 * (rest.length + answer.length) +
    8 * (restIds.length + answerIds.length);
}

/** A copy: in V8 a part of a string keeps the whole in memory. */
function unsliced(text: string): string {
  return JSON.parse(JSON.stringify(text));
}
