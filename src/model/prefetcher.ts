/** Loads experts that the next layer will probably want, while the link is idle. */

import type { Recorder } from "../gpu/recorder.ts";
import type { ExpertCache } from "../offload/expert_cache.ts";
import type { OffloadStats } from "../offload/offload_stats.ts";
import type { PrefetchSwitch } from "../offload/prefetch_switch.ts";
import type { SlotBuffers } from "../offload/slot_buffers.ts";
import type { ExpertLoader } from "./expert_loader.ts";

/** Options for {@linkcode Prefetcher}. */
export interface PrefetcherOptions {
  /** Brings experts in. */
  readonly loader: ExpertLoader;
  /** The staging slots. */
  readonly slots: SlotBuffers;
  /** The cache of each offloaded layer. */
  readonly caches: readonly ExpertCache[];
  /** Counts what happens, by the model's layers. */
  readonly stats: OffloadStats;
  /** The model's layer of each offloaded layer. */
  readonly layers: readonly number[];
  /** Whether to prefetch. */
  readonly prefetch: PrefetchSwitch;
  /** How many guessed experts to load. */
  readonly expertCount: number;
  /** How many experts the router guesses; 0 if it does not. */
  readonly guessCount: number;
  /** Bytes of an expert. */
  readonly expertByteLength: number;
}

/** A guessed expert on its way to a staging slot. */
export interface Staged {
  /** The expert. */
  readonly expert: number;
  /** The staging slot. */
  readonly staging: number;
  /** The first piece that is not there yet. */
  nextPiece: number;
}

/** What became of what was staged for a layer. */
export interface Taken {
  /** What is used, by expert. */
  readonly used: ReadonlyMap<number, Staged>;
  /** The experts that are not. */
  readonly wasted: readonly number[];
}

/** A guess about a layer, and what is staged for it. */
interface Guess {
  readonly layer: number;
  readonly experts: readonly number[];
  readonly staged: readonly Staged[];
}

const NOTHING: Taken = { used: new Map(), wasted: [] };

/**
 * Stages guessed experts of the next layer in pieces, one beside each op between
 * two routings. It never touches a slot: a staged expert moves into the cache by
 * a swap of buffers once the cache has chosen a victim for it.
 */
export class Prefetcher {
  readonly #options: PrefetcherOptions;
  #guess: Guess | null = null;

  /**
   * Constructs a prefetcher with nothing staged.
   *
   * @param options What it works with.
   */
  constructor(options: PrefetcherOptions) {
    this.#options = options;
  }

  /** How many guessed experts follow the chosen ones in the routing. */
  get guessCount(): number {
    return this.#options.guessCount;
  }

  /**
   * Begins to stage what is guessed, and is not on the GPU.
   *
   * @param recorder The commands of the step.
   * @param layer The layer that the guess is about, among the offloaded ones.
   * @param experts The guess, most probable first.
   */
  beginWindow(
    recorder: Recorder,
    layer: number,
    experts: readonly number[],
  ): void {
    const { loader, slots, caches, layers, prefetch } = this.#options;
    const cache = caches[layer];
    // The guess is about the model's next layer, which may be resident.
    const isNext = layers[layer] === (layers[layer - 1] ?? -1) + 1;
    if (cache === undefined || !isNext || experts.length === 0) return;
    const staged = prefetch.isOn
      ? cache.missing(experts.slice(0, this.#options.expertCount))
        .filter((expert) => loader.isPinned({ layer, expert }))
        .slice(0, slots.stagingSlotCount)
        .map((expert, staging): Staged => ({ expert, staging, nextPiece: 0 }))
      : [];
    this.#guess = { layer, experts, staged };
    if (staged.length === 0) return;
    recorder.beside = () => this.#stagePiece(recorder, layer, staged);
  }

  /**
   * Ends the idle time of the link.
   *
   * @param recorder The commands of the step.
   */
  endWindow(recorder: Recorder): void {
    recorder.beside = null;
  }

  /**
   * Hands over what was staged for a layer; the rest counts as wasted.
   *
   * @param layer The layer, among the offloaded ones.
   * @param experts The experts that it really uses.
   * @returns What was staged of them, and what else was.
   */
  take(layer: number, experts: readonly number[]): Taken {
    const guess = this.#guess;
    this.#guess = null;
    if (guess === null) return NOTHING;
    const { stats, layers, loader, expertByteLength } = this.#options;
    const isRight = guess.layer === layer && experts.length > 0;
    if (isRight) {
      stats.countGuess(layers[layer]!, { guess: guess.experts, experts });
    }
    const used = new Map<number, Staged>();
    const wasted: number[] = [];
    for (const staged of guess.staged) {
      if (staged.nextPiece === 0) continue;
      const isUsed = isRight && experts.includes(staged.expert);
      if (isUsed) used.set(staged.expert, staged);
      else wasted.push(staged.expert);
      stats.countBytes(layers[guess.layer]!, {
        cause: isUsed ? "prefetchUsed" : "prefetchWasted",
        byteLength: expertByteLength * staged.nextPiece / loader.pieceCount,
      });
    }
    return { used, wasted };
  }

  /** Forgets what is staged, after a failure. */
  reset(): void {
    this.#guess = null;
  }

  /** Records the next piece of the first expert that is not whole yet. */
  #stagePiece(
    recorder: Recorder,
    layer: number,
    staged: readonly Staged[],
  ): void {
    const { loader, slots } = this.#options;
    const next = staged.find(({ nextPiece }) => nextPiece < loader.pieceCount);
    if (next === undefined) return;
    loader.copy(recorder, { layer, expert: next.expert }, {
      to: slots.ofStaging(next.staging),
      piece: next.nextPiece++,
      toEnd: false,
    });
  }
}
