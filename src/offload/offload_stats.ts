/** Why an expert's bytes were moved to the GPU. */
export type ByteCause =
  | "demand"
  | "prefetchUsed"
  | "prefetchWasted"
  | "prefill";

/**
 * What the host spends its time on, or waits for:
 *
 * - `encode`: recording commands, from the first one after a submit to the last
 *   one before the next
 * - `submit`: finishing commands and handing them to the queue
 * - `readback`: waiting for the GPU, whatever it does, and copying routings and
 *   logits to the host
 * - `decide`: hits, misses and victims, from a routing to the first command
 * - `idle`: from the end of a read-back to the end of the next submit, which
 *   the GPU spends waiting: deciding, recording the experts, submitting.
 * - `stage`: bringing experts through ordinary memory: reading them from the
 *   store and `writeBuffer`
 *
 * No two of them count the same moment, except for `idle`, which is some of
 * `decide`, `encode` and `submit`. What is missing to the time of an answer is
 * that of the sampler and of the reader. Copies from pinned memory are made by
 * the GPU: whoever waits for them does so in `readback`.
 */
export type OffloadPhase =
  | "readback"
  | "idle"
  | "decide"
  | "stage"
  | "encode"
  | "submit";

/** Guesses are judged by their first, first two and first three experts. */
export const GUESS_DEPTH = 3;

/** Uses of experts, as `ExpertCache` counts them. */
export interface UseCounts {
  /** Uses that found their expert in a slot. */
  hits: number;
  /** Uses that did not. */
  misses: number;
  /** Experts that lost their slot to another. */
  evictions?: number;
}

/** The counters of a layer. */
export interface LayerRecord {
  /** Uses in decode that found their expert in a slot. */
  hits: number;
  /** Uses in decode that did not. */
  misses: number;
  /** Experts that lost their slot to another. */
  evictions: number;
  /** Uses in prefill, one a chunk, that found their expert in a slot. */
  prefillHits: number;
  /** Uses in prefill, one a chunk, that did not. */
  prefillMisses: number;
  /** Experts used that were among the first n guessed, by n - 1: (3) */
  guessHits: number[];
  /** Experts used for which n were guessed, by n - 1: (3) */
  guessUses: number[];
  /** Bytes moved to the GPU by cause. */
  byteLengths: Record<ByteCause, number>;
}

/** All counters at one moment, or what they grew by between two. */
export interface OffloadRecord {
  /** Tokens decoded. */
  tokenCount: number;
  /** The counters of each layer: (layerCount) */
  layers: LayerRecord[];
  /** Milliseconds by phase. */
  timeMs: Record<OffloadPhase, number>;
}

/**
 * Counts what offloading does: plain numbers, added up by whoever does it.
 * It measures nothing itself.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { differenceOf, OffloadStats } from "./offload_stats.ts";
 *
 * const stats = new OffloadStats(2);
 * const before = stats.snapshot();
 * stats.countUses(1, { hits: 1, misses: 1, evictions: 1 });
 * assertEquals(differenceOf(stats.snapshot(), before).layers[1]!.hits, 1);
 * ```
 */
export class OffloadStats {
  #record: OffloadRecord;

  /**
   * Begins at 0.
   *
   * @param layerCount How many layers the model has.
   */
  constructor(layerCount: number) {
    this.#record = emptyRecord(layerCount);
  }

  /** Begins at 0 again. */
  reset(): void {
    this.#record = emptyRecord(this.#record.layers.length);
  }

  /** A copy of all counters. */
  snapshot(): OffloadRecord {
    return structuredClone(this.#record);
  }

  /** Counts decoded tokens. */
  countTokens(count = 1): void {
    this.#record.tokenCount += count;
  }

  /** Counts the uses of a decode step in a layer. */
  countUses(layer: number, counts: UseCounts): void {
    const record = this.#record.layers[layer]!;
    record.hits += counts.hits;
    record.misses += counts.misses;
    record.evictions += counts.evictions ?? 0;
  }

  /** Counts the uses of a prefill chunk in a layer. */
  countPrefillUses(layer: number, counts: UseCounts): void {
    const record = this.#record.layers[layer]!;
    record.prefillHits += counts.hits;
    record.prefillMisses += counts.misses;
    record.evictions += counts.evictions ?? 0;
  }

  /**
   * Judges a guess once the routing is known, whether or not it was loaded.
   *
   * @param layer The layer that was guessed about.
   * @param options The guess, most probable first, and the experts in use.
   */
  countGuess(
    layer: number,
    options: { guess: readonly number[]; experts: readonly number[] },
  ): void {
    const { guess, experts } = options;
    const { guessHits, guessUses } = this.#record.layers[layer]!;
    const depth = Math.min(guess.length, GUESS_DEPTH);
    for (const expert of experts) {
      const place = guess.indexOf(expert);
      for (let i = 0; i < depth; i++) {
        guessUses[i]!++;
        if (place >= 0 && place <= i) guessHits[i]!++;
      }
    }
  }

  /** Counts bytes that were moved to the GPU for a layer. */
  countBytes(
    layer: number,
    options: { cause: ByteCause; byteLength: number },
  ): void {
    const { byteLengths } = this.#record.layers[layer]!;
    byteLengths[options.cause] += options.byteLength;
  }

  /** Counts the time of a phase. */
  countTime(phase: OffloadPhase, ms: number): void {
    this.#record.timeMs[phase] += ms;
  }

  /** Counts the times of several phases. */
  countTimes(times: Readonly<Partial<Record<OffloadPhase, number>>>): void {
    for (const [phase, ms] of Object.entries(times)) {
      this.countTime(phase as OffloadPhase, ms);
    }
  }
}

/**
 * What was counted between two snapshots, such as those before and after an
 * answer.
 *
 * @param after The later snapshot.
 * @param before The earlier one, of the same counters, not reset since.
 * @returns The later counts minus the earlier ones.
 */
export function differenceOf(
  after: OffloadRecord,
  before: OffloadRecord,
): OffloadRecord {
  return combine(after, before, (a, b) => a - b) as OffloadRecord;
}

/**
 * What was counted in several stretches of time.
 *
 * @param records What was counted in each, of the same model; at least one.
 * @returns Their sum, number by number.
 */
export function sumOf(records: readonly OffloadRecord[]): OffloadRecord {
  return records.reduce((sum, record) =>
    combine(sum, record, (a, b) => a + b) as OffloadRecord
  );
}

/** Combines two records number by number. */
function combine(
  first: unknown,
  second: unknown,
  operation: (a: number, b: number) => number,
): unknown {
  if (typeof first === "number") return operation(first, second as number);
  if (Array.isArray(first)) {
    const list = second as unknown[];
    return first.map((value, i) => combine(value, list[i], operation));
  }
  const fields = second as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(first as Record<string, unknown>)
      .map(([name, value]) => [name, combine(value, fields[name], operation)]),
  );
}

function emptyRecord(layerCount: number): OffloadRecord {
  return {
    tokenCount: 0,
    layers: Array.from({ length: layerCount }, () => ({
      hits: 0,
      misses: 0,
      evictions: 0,
      prefillHits: 0,
      prefillMisses: 0,
      guessHits: Array(GUESS_DEPTH).fill(0),
      guessUses: Array(GUESS_DEPTH).fill(0),
      byteLengths: {
        demand: 0,
        prefetchUsed: 0,
        prefetchWasted: 0,
        prefill: 0,
      },
    })),
    timeMs: {
      readback: 0,
      idle: 0,
      decide: 0,
      stage: 0,
      encode: 0,
      submit: 0,
    },
  };
}
