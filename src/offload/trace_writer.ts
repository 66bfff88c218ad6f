import {
  FAR_TRACE_MAGIC,
  TOKEN_KINDS,
  type TokenKind,
  TRACE_MAGIC,
  WEIGHT_UNIT,
} from "./routing_trace.ts";
import {
  checkTraceHeader,
  type TraceHeader,
  type TraceLayout,
  traceLayout,
} from "./trace_header.ts";

/** The routing of a token in a layer. */
export interface TraceRecord {
  /** The token, as {@linkcode TraceWriter.addTokens} numbers it. */
  token: number;
  /** The layer. */
  layer: number;
  /** The experts by rank: (topK) */
  experts: ArrayLike<number>;
  /** Their weights, 0 to 1: (topK) */
  weights: ArrayLike<number>;
  /** The guess for this layer, most probable first: at most (guessCount) */
  guess?: ArrayLike<number>;
  /** The same made farther before, for each of `farDepths` or the first of them. */
  farGuesses?: readonly ArrayLike<number>[];
}

/** Writes a routing trace into memory; the caller writes it to a file. */
export class TraceWriter {
  readonly #header: TraceHeader;
  readonly #layout: TraceLayout;
  /** The bytes of the tokens that were not taken. */
  #bytes = new Uint8Array(0);
  /** How many of the tokens in #bytes there are; the rest is room. */
  #count = 0;
  /** The number of the first token in #bytes. */
  #first = 0;
  #tookHeader = false;

  /**
   * Begins a trace.
   *
   * @param header What it is of.
   * @throws {RangeError} If that is no model.
   */
  constructor(header: TraceHeader) {
    this.#header = checkTraceHeader(header);
    this.#layout = traceLayout(header);
  }

  /** How many tokens were added. */
  get tokenCount(): number {
    return this.#first + this.#count;
  }

  /**
   * Adds tokens whose routing is yet to come, layer by layer.
   *
   * @param count How many.
   * @param kind How they run.
   * @returns The number of the first; the others follow.
   */
  addTokens(count: number, kind: TokenKind): number {
    const token = this.tokenCount;
    const { tokenByteLength } = this.#layout;
    const needed = (this.#count + count) * tokenByteLength;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    for (let i = this.#count; i < this.#count + count; i++) {
      const offset = i * tokenByteLength;
      // Ids with all bits set: nothing recorded yet, and no guess.
      this.#bytes.fill(0xff, offset, offset + tokenByteLength);
      this.#bytes[offset] = TOKEN_KINDS.indexOf(kind);
    }
    this.#count += count;
    return token;
  }

  /**
   * Records the routing of a token in a layer, in any order.
   *
   * @param record The routing.
   * @throws {RangeError} If there is no such token, layer or expert, or if the
   * experts are not top-k distinct ones.
   */
  record(record: TraceRecord): void {
    const { layerCount, topK, guessCount, farDepths = [] } = this.#header;
    const { token, layer, experts, weights, guess = [] } = record;
    const { farGuesses = [] } = record;
    const guesses = [guess, ...farGuesses];
    const index = token - this.#first;
    const exists = Number.isInteger(token) && index >= 0 &&
      index < this.#count && Number.isInteger(layer) && layer >= 0 &&
      layer < layerCount;
    if (
      !exists || experts.length !== topK || weights.length !== topK ||
      new Set(Array.from(experts)).size !== topK || !this.#exist(experts) ||
      guesses.length > 1 + farDepths.length ||
      guesses.some((ids) => ids.length > guessCount || !this.#exist(ids))
    ) {
      throw new RangeError(
        `Cannot record the routing of token ${token}, layer ${layer}: experts ${
          Array.from(experts)
        }, guess ${
          guesses.map((ids) => Array.from(ids)).join(" and ")
        }, wanted a token that was added and not taken, ${topK} distinct experts and at most ${guessCount} guesses`,
      );
    }
    const { tokenByteLength, layerByteLength, idByteLength } = this.#layout;
    const offset = index * tokenByteLength + 1 + layer * layerByteLength;
    const view = new DataView(this.#bytes.buffer, offset, layerByteLength);
    for (const [i, ids] of [experts, ...guesses].entries()) {
      const first = i === 0 ? 0 : topK + (i - 1) * guessCount;
      for (const [j, id] of Array.from(ids).entries()) {
        if (idByteLength === 1) view.setUint8(first + j, id);
        else view.setUint16(2 * (first + j), id, true);
      }
    }
    const guessesCount = guessCount * (1 + farDepths.length);
    const weightOffset = (topK + guessesCount) * idByteLength;
    for (const [rank, weight] of Array.from(weights).entries()) {
      const clamped = Math.min(Math.max(weight, 0), 1);
      const fixed = Math.round(clamped * WEIGHT_UNIT);
      view.setUint16(weightOffset + 2 * rank, fixed, true);
    }
  }

  /**
   * Takes the bytes that can be written to the file: at first the header, then
   * tokens up to the first that misses the routing of a layer.
   *
   * @returns What follows the bytes taken before.
   */
  take(): Uint8Array<ArrayBuffer> {
    const header = this.#tookHeader ? new Uint8Array(0) : this.#headerBytes();
    const { tokenByteLength } = this.#layout;
    let count = 0;
    while (count < this.#count && this.#isComplete(count)) count++;
    const end = count * tokenByteLength;
    const bytes = new Uint8Array(header.length + end);
    bytes.set(header);
    bytes.set(this.#bytes.subarray(0, end), header.length);
    this.#bytes.copyWithin(0, end, this.#count * tokenByteLength);
    this.#tookHeader = true;
    this.#count -= count;
    this.#first += count;
    return bytes;
  }

  /** Forgets tokens that miss the routing of a layer, after a failure. */
  dropIncomplete(): void {
    let count = 0;
    while (count < this.#count && this.#isComplete(count)) count++;
    this.#count = count;
  }

  #exist(ids: ArrayLike<number>): boolean {
    const { expertCount } = this.#header;
    return Array.from(ids).every((id) =>
      Number.isInteger(id) && id >= 0 && id < expertCount
    );
  }

  /** Whether every layer's first expert is recorded. */
  #isComplete(index: number): boolean {
    const { tokenByteLength, layerByteLength, idByteLength } = this.#layout;
    const begin = index * tokenByteLength + 1;
    for (let layer = 0; layer < this.#header.layerCount; layer++) {
      const at = begin + layer * layerByteLength;
      const id = this.#bytes.subarray(at, at + idByteLength);
      if (id.every((byte) => byte === 0xff)) return false;
    }
    return true;
  }

  #headerBytes(): Uint8Array {
    const json = new TextEncoder().encode(JSON.stringify(this.#header));
    const bytes = new Uint8Array(TRACE_MAGIC.length + 4 + json.length);
    const magic = this.#header.farDepths ? FAR_TRACE_MAGIC : TRACE_MAGIC;
    bytes.set(new TextEncoder().encode(magic));
    new DataView(bytes.buffer)
      .setUint32(TRACE_MAGIC.length, json.length, true);
    bytes.set(json, TRACE_MAGIC.length + 4);
    return bytes;
  }
}
