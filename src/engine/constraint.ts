import type { ByteMachine, State } from "../text/json/byte_machine.ts";
import { jsonMachine } from "../text/json/json_schema.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { ResponseFormat } from "./response_format.ts";
import type { TokenConstraint } from "./sequence.ts";
import { type TokenTrie, tokenTrie } from "./token_trie.ts";

/** How many schemas are kept ready. */
const KEPT_SCHEMAS = 16;

/** How many masks of a schema are kept; each is a bit for each token. */
const KEPT_MASKS = 1024;

/** A bit for each token: (vocabSize / 32), rounded up. */
type Mask = Uint32Array;

/**
 * Which tokens may come so that a text keeps to a format, as it is written. The
 * tokens that fit are found by walking the vocabulary's trie along the machine of
 * the format; states come back, and so do their masks.
 */
export class Constraint implements TokenConstraint {
  readonly #schema: CompiledFormat;
  readonly #tokenizer: Tokenizer;
  #state: State;

  /**
   * Begins a text.
   *
   * @param format What it has to be.
   * @param tokenizer How tokens become text.
   * @throws {RangeError} If texts cannot be held to the format.
   */
  constructor(format: ConstrainedFormat, tokenizer: Tokenizer) {
    this.#schema = compiled(format, tokenizer);
    this.#tokenizer = tokenizer;
    this.#state = this.#schema.machine.start;
  }

  get isComplete(): boolean {
    return this.#state.mayEnd && this.#state.ways.length === 0;
  }

  forbid(logits: Float32Array, eosIds: readonly number[]): void {
    const mask = this.#schema.maskOf(this.#state);
    const { mayEnd } = this.#state;
    const mayCome = (id: number) =>
      eosIds.includes(id)
        ? mayEnd // also where the vocabulary spells the end
        : ((mask[id >> 5] ?? 0) & (1 << (id & 31))) !== 0;
    for (let id = 0; id < logits.length; id++) {
      if (!mayCome(id)) logits[id] = -Infinity;
    }
  }

  accept(id: number): void {
    const { machine } = this.#schema;
    for (const byte of this.#tokenizer.bytesOf(id)) {
      const next = machine.next(this.#state, byte);
      if (next === null) {
        throw new Error(
          `Cannot keep to the format: token ${id} does not fit, wanted one that was not forbidden`,
        );
      }
      this.#state = next;
    }
  }
}

/** A format that forbids something. */
export type ConstrainedFormat = Exclude<ResponseFormat, { type: "text" }>;

/**
 * Makes what holds a text to a format.
 *
 * @param format The format.
 * @param tokenizer How tokens become text.
 * @returns It; `null` if any text will do.
 * @throws {RangeError} If texts cannot be held to the format.
 */
export function constraintOf(
  format: ResponseFormat,
  tokenizer: Tokenizer,
): Constraint | null {
  if (format.type === "text") return null;
  return new Constraint(format, tokenizer);
}

/** A format, ready for the texts of one tokenizer. */
class CompiledFormat {
  readonly machine: ByteMachine;
  readonly #trie: TokenTrie;
  readonly #vocabSize: number;
  readonly #masks = new Map<State, Mask>();

  constructor(format: ConstrainedFormat, tokenizer: Tokenizer) {
    this.machine = jsonMachine(
      format.type === "json_schema" ? format.schema : null,
    );
    this.#trie = tokenTrie(tokenizer);
    this.#vocabSize = tokenizer.vocabSize;
  }

  maskOf(exact: State): Mask {
    const state = this.machine.loose(exact, this.#trie.longest);
    const known = this.#masks.get(state);
    if (known !== undefined) return known;
    if (this.#masks.size >= KEPT_MASKS) this.#masks.clear();
    const mask = new Uint32Array(Math.ceil(this.#vocabSize / 32));
    this.#walk(state, mask);
    this.#masks.set(state, mask);
    return mask;
  }

  /** Sets the bits of all tokens that fit from a state. */
  #walk(start: State, mask: Mask): void {
    const { byteOf, childOf, nextOf, tokenOf, sameOf } = this.#trie;
    const nodes = [childOf[0]!];
    const states = [start];
    while (nodes.length > 0) {
      const node = nodes.pop()!;
      const state = states.pop()!;
      const sibling = nextOf[node]!;
      if (sibling !== 0) {
        nodes.push(sibling);
        states.push(state);
      }
      const next = this.machine.next(state, byteOf[node]!);
      if (next === null) continue;
      for (let id = tokenOf[node]!; id >= 0; id = sameOf[id]!) {
        mask[id >> 5]! |= 1 << (id & 31);
      }
      if (childOf[node] !== 0) {
        nodes.push(childOf[node]!);
        states.push(next);
      }
    }
  }
}

/** The newest formats of each tokenizer, by their JSON. */
const formats = new WeakMap<Tokenizer, Map<string, CompiledFormat>>();

function compiled(
  format: ConstrainedFormat,
  tokenizer: Tokenizer,
): CompiledFormat {
  const known = formats.get(tokenizer) ?? new Map<string, CompiledFormat>();
  formats.set(tokenizer, known);
  const key = JSON.stringify(format);
  const made = known.get(key) ?? new CompiledFormat(format, tokenizer);
  known.delete(key); // the newest is the last
  known.set(key, made);
  for (const oldest of known.keys()) {
    if (known.size <= KEPT_SCHEMAS) break;
    known.delete(oldest);
  }
  return made;
}
