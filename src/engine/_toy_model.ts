/** A model for tests of the token loop: it says a script. */

import { assert, assertEquals } from "@std/assert";
import { generate, type GenerateResult, type Piece } from "./generate.ts";
import { type GenerateOptions, resolveOptions } from "./options.ts";
import { Sequence, type TokenModel } from "./sequence.ts";

/** Ends the text; the toy's other tokens are bytes of UTF-8. */
export const EOS = 0;
const VOCAB_SIZE = 256;

/**
 * Says its script over and over: after the n-th of its bytes comes the next.
 * It has a real cache, so that a wrong position or a forgotten id shows up.
 */
export class ToyModel implements TokenModel {
  readonly contextLength: number;
  readonly chunkSize: number;
  /** The [position, count] of each run. */
  runs: [number, number][] = [];
  /** How many tokens were picked at once. */
  batches: number[] = [];
  onRun: () => void = () => {};
  readonly aheadLimit: number;
  /** Where logits are no numbers. */
  readonly #brokenAt: number;
  readonly #script: number[];
  readonly #flatness: number;
  #cache: number[] = [];

  constructor(
    script: string,
    {
      contextLength = 64,
      chunkSize = Infinity,
      flatness = 0,
      aheadLimit = 0,
      brokenAt = Infinity,
    } = {},
  ) {
    this.#script = [...new TextEncoder().encode(script), EOS];
    this.contextLength = contextLength;
    this.chunkSize = chunkSize;
    this.#flatness = flatness;
    this.aheadLimit = aheadLimit;
    this.#brokenAt = brokenAt;
  }

  /** The prompt is one byte; what follows it is the script. */
  forward(ids: readonly number[], position: number): Promise<Float32Array> {
    this.onRun();
    assert(ids.length > 0 && position <= this.#cache.length, "no gaps");
    assert(position + ids.length <= this.contextLength, "within the cache");
    this.runs.push([position, ids.length]);
    this.#cache.length = position;
    this.#cache.push(...ids);
    const logits = new Float32Array(VOCAB_SIZE);
    const length = this.#cache.length;
    const next = this.#script[(length - 1) % this.#script.length]!;
    logits[next] = this.#flatness > 0 ? 1 / this.#flatness : 100;
    if (length > this.#brokenAt) logits[7] = NaN;
    return Promise.resolve(logits);
  }

  /** Picks as the GPU does: what comes after broken logits runs for nothing. */
  async pickAhead(
    id: number,
    { position, count }: { position: number; count: number },
  ): Promise<number[]> {
    assert(0 < count && count <= this.aheadLimit, `${count} at once`);
    this.batches.push(count);
    const picked: number[] = [];
    let next = id;
    for (let i = 0; i < count; i++) {
      const logits = await this.forward([next], position + i);
      next = logits.includes(NaN) ? -1 : logits.indexOf(Math.max(...logits));
      picked.push(next);
    }
    const end = picked.indexOf(-1);
    return end < 0 ? picked : picked.slice(0, end);
  }
}

/** A toy and its sequence. */
export function toy(
  script: string,
  options: ConstructorParameters<typeof ToyModel>[1] = {},
) {
  const model = new ToyModel(script, options);
  const sequence = new Sequence(model, {
    decoder() {
      const decoder = new TextDecoder();
      return {
        push: (id) => decoder.decode(Uint8Array.of(id), { stream: true }),
        flush: () => decoder.decode(),
      };
    },
    tokenText: (id) => `<${id}>`,
  });
  return { model, sequence };
}

/** Reads a generation to its end, and checks that its pieces make up its record. */
export async function collect(
  sequence: Sequence,
  ids: readonly number[],
  options: GenerateOptions = {},
): Promise<{ pieces: Piece[]; final: GenerateResult }> {
  const settings = resolveOptions({ temperature: 0, ...options }, {
    eosIds: [EOS],
  });
  const pieces = await Array.fromAsync(generate(sequence, ids, settings));
  const final = pieces.at(-1)!.final!;
  assertEquals(pieces.map((piece) => piece.text).join(""), final.text);
  assertEquals(pieces.slice(0, -1).map((piece) => piece.id), final.ids);
  assertEquals(pieces.filter((piece) => piece.final).length, 1);
  return { pieces, final };
}
