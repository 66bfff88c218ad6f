/** Lets the GPU decide which experts come and go, and keeps the host informed. */

import type { Gpu } from "../gpu/device.ts";
import type { Slice } from "../gpu/readback.ts";
import type { Recorder } from "../gpu/recorder.ts";
import type { ExpertCache } from "../offload/expert_cache.ts";
import type { ExpertWatch } from "../offload/expert_watch.ts";
import type { OffloadStats } from "../offload/offload_stats.ts";
import {
  logOf,
  readBlock,
  type ResidencyLayout,
  writeBlock,
} from "../offload/residency_block.ts";
import type { PrefetchSwitch } from "../offload/prefetch_switch.ts";
import { type Residency, stageWords } from "../ops/residency.ts";
import { AHEAD_LIMIT } from "../ops/step.ts";
import { countDecided } from "./count_decided.ts";
import { decidedActivity } from "./decided_activity.ts";
import type { RoutingListener } from "./routing_reader.ts";

/** All blocks of a model. */
type Words = Uint32Array<ArrayBuffer>;

/** What {@linkcode GpuResidency} works with. */
export interface GpuResidencyOptions {
  /** The buffers. */
  readonly residency: Residency;
  /** What is in a block. */
  readonly layout: ResidencyLayout;
  /** Layers of the model. */
  readonly layerCount: number;
  /** The model's layers whose experts are not all on the GPU, ascending. */
  readonly layers: readonly number[];
  /** The cache of each of them. */
  readonly caches: readonly ExpertCache[];
  /** Counts what happens; `null` if no layer is offloaded. */
  readonly stats: OffloadStats | null;
  /** Bytes of an expert. */
  readonly expertByteLength: number;
  /** Whether routers are to stage guesses; `null` if they cannot. */
  readonly prefetch: PrefetchSwitch | null;
  /** At how many guesses they look for an expert to stage. */
  readonly prefetchExperts: number;
  /** How many experts a router guesses for the next layer. */
  readonly guessCount: number;
  /** Whether the GPU can reach every expert by itself. */
  readonly isReady: () => boolean;
  /** Hears of the routing of every layer. */
  readonly onRouting?: RoutingListener | undefined;
  /** Hears what experts do. */
  readonly watch: ExpertWatch;
}

/**
 * The table of which expert is in which slot has one owner at a time. For single
 * tokens that is the GPU: routers decide, and the host reads the table and what was
 * chosen with the logits. For many tokens, and until the GPU can reach every expert,
 * it is the host. Each change of owner hands the table over.
 */
export class GpuResidency {
  readonly #queue: GPUQueue;
  readonly #options: GpuResidencyOptions;
  readonly #blockWords: number;
  /** All blocks after each of some tokens. */
  readonly #logs: GPUBuffer;
  /** All blocks, as the GPU had them after the latest token. */
  #words: Words;
  #isDeciding = false;
  #isLogging = false;
  /** Whether anybody wanted to know what routers chose when the tokens began. */
  #isHeard = false;
  #isReady = false;
  /** Whether routers were told to stage guesses. */
  #isStaging = false;

  /**
   * Begins with the host as the owner.
   *
   * @param gpu The GPU.
   * @param options What it works with.
   */
  constructor(gpu: Gpu, options: GpuResidencyOptions) {
    this.#queue = gpu.device.queue;
    this.#options = options;
    this.#blockWords = options.layout.wordCount;
    this.#words = new Uint32Array(options.layerCount * this.#blockWords);
    this.#logs = gpu.storageBuffer(
      "residency logs",
      AHEAD_LIMIT * this.#words.byteLength,
    );
  }

  /** Whether the GPU decides in this step. */
  get isDeciding(): boolean {
    return this.#isDeciding;
  }

  /** Whether what the routers guess is staged in this step. */
  get isStaging(): boolean {
    return this.#isDeciding && this.#isStaging;
  }

  /** Whether the GPU could decide now. */
  get isReady(): boolean {
    // What lies in pinned memory stays.
    this.#isReady ||= this.#options.isReady();
    return this.#isReady;
  }

  /** What is to be read when the step has run; `null` if nothing (more) is. */
  get log(): Slice | null {
    return this.#isLogging
      ? { source: this.#options.residency.blocks, ...this.#size }
      : null;
  }

  /**
   * Records that the table is kept as it is after a token, before the next token of
   * the same submit changes it.
   *
   * @param recorder The commands, after the token's.
   * @param index Which of the tokens it is.
   */
  keepLog(recorder: Recorder, index: number): void {
    if (!this.#isLogging) return;
    const { byteLength } = this.#size;
    recorder.copy(this.#options.residency.blocks, this.#logs, {
      byteOffset: 0,
      byteLength,
      targetOffset: index * byteLength,
    });
  }

  /** What is to be read when some tokens have run that were kept. */
  keptLogs(count: number): Slice | null {
    const byteLength = count * this.#size.byteLength;
    return this.#isLogging ? { source: this.#logs, byteLength } : null;
  }

  /**
   * Begins single tokens, each of them a step, that run without a stop: decides
   * whether to prefetch for them.
   *
   * @param count How many.
   */
  beginTokens(count: number): void {
    this.#checkLog();
    const { prefetch, stats, onRouting, watch } = this.#options;
    this.#isHeard = stats !== null || onRouting !== undefined || watch.isOn;
    if (prefetch === null || !this.isReady) return;
    prefetch.beginToken(performance.now(), count);
    if (prefetch.isOn === this.#isStaging) return;
    this.#isStaging = prefetch.isOn;
    this.#tellStaging();
  }

  /**
   * Begins a step: the table goes to whoever decides in it.
   *
   * @param tokenCount How many tokens the step has.
   */
  beginStep(tokenCount: number): void {
    const isDeciding = tokenCount === 1 && this.isReady;
    if (tokenCount > 1) this.#checkLog();
    if (!isDeciding) this.#options.prefetch?.pause();
    if (isDeciding !== this.#isDeciding) {
      if (isDeciding) {
        this.#giveToGpu();
        this.#tellStaging();
      } else this.refreshCaches();
    }
    this.#isDeciding = isDeciding;
    this.#isLogging = isDeciding && this.#isHeard;
  }

  /**
   * Ends the step: counts and reports what the GPU did.
   *
   * @param bytes What was read, in the end what {@linkcode GpuResidency.log} or
   * `keptLogs()` says.
   * @param byteOffset Where that begins.
   */
  endStep(bytes: ArrayBuffer, byteOffset: number): void {
    this.#isLogging = false;
    const { byteLength } = this.#size;
    let before = this.#words;
    // The table is as it is at the end, even if a listener throws.
    const end = bytes.byteLength - byteLength;
    this.#words = new Uint32Array(bytes, end, byteLength / 4);
    for (let at = byteOffset; at < bytes.byteLength; at += byteLength) {
      const words = new Uint32Array(bytes, at, byteLength / 4);
      this.#count(words, before);
      if (this.#options.watch.isOn) this.#tell(words, before);
      this.#report(words);
      before = words;
    }
  }

  /** Brings the host's caches up to date if the GPU has the table. */
  refreshCaches(): void {
    if (!this.#isDeciding) return;
    const { layers, caches, layout } = this.#options;
    for (const [i, cache] of caches.entries()) {
      readBlock(layout, this.#block(layers[i]!), cache);
    }
  }

  /** Forgets what is in the slots, after a failure of which nobody knows how far it got. */
  reset(): void {
    if (!this.#isDeciding) return;
    this.#isDeciding = false;
    this.#isLogging = false;
    for (const cache of this.#options.caches) {
      cache.drop(Array.from({ length: cache.expertCount }, (_, id) => id));
    }
  }

  /** If the last log was never read, some of its tokens may have changed the table. */
  #checkLog(): void {
    if (this.#isLogging) this.reset();
  }

  /** Nothing is staged yet, whatever a token that failed left. */
  #tellStaging(): void {
    const { residency: { uses }, layout, prefetchExperts } = this.#options;
    const words = stageWords(this.#isStaging ? prefetchExperts : 0);
    this.#queue.writeBuffer(uses, layout.topK * 16, words);
  }

  get #size(): { byteLength: number } {
    return { byteLength: this.#words.byteLength };
  }

  #block(layer: number, words = this.#words): Words {
    const at = layer * this.#blockWords;
    return words.subarray(at, at + this.#blockWords);
  }

  #giveToGpu(): void {
    const { layers, caches, layout, residency } = this.#options;
    for (const [i, cache] of caches.entries()) {
      writeBlock(layout, cache, this.#block(layers[i]!));
    }
    this.#queue.writeBuffer(residency.blocks, 0, this.#words);
  }

  #count(words: Words, before: Words): void {
    const { stats, layers } = this.#options;
    if (stats === null) return;
    stats.countTokens();
    for (const layer of layers) {
      countDecided(stats, this.#options, {
        layer,
        before: this.#block(layer, before),
        block: this.#block(layer, words),
        previous: layer === 0 ? null : this.#block(layer - 1, words),
      });
    }
  }

  #tell(words: Words, before: Words): void {
    const { watch, layout, layers, layerCount, prefetch } = this.#options;
    for (let layer = 0; layer < layerCount; layer++) {
      const blocks = {
        layer,
        before: this.#block(layer, before),
        block: this.#block(layer, words),
      };
      const isOffloaded = layers.includes(layer);
      const isStaging = prefetch !== null;
      watch.tell(decidedActivity(layout, blocks, { isOffloaded, isStaging }));
    }
  }

  #report(words: Words): void {
    const { onRouting, layout, layerCount, guessCount } = this.#options;
    if (onRouting === undefined) return;
    for (let layer = 0; layer < layerCount; layer++) {
      const { ids, weights, guess } = logOf(layout, this.#block(layer, words));
      const isLast = layer === layerCount - 1;
      onRouting(layer, {
        ids,
        weights,
        guess: guess.subarray(0, isLast ? 0 : guessCount),
      });
    }
  }
}
