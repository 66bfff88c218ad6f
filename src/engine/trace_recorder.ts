import type { ModelConfig } from "../model/config.ts";
import type { RoutingRecord } from "../model/routing_reader.ts";
import { GUESS_DEPTH } from "../offload/offload_stats.ts";
import { TraceWriter } from "../offload/trace_writer.ts";

/** The numbers of a model that a trace is made of. */
export type TracedModel = Pick<
  ModelConfig,
  "numHiddenLayers" | "numLocalExperts" | "numExpertsPerTok"
>;

/**
 * Makes a routing trace of what `LoadOptions.onRouting` hears: token by token,
 * from layer 0 to the last. Guesses are traced as long as tokens run alone; the
 * tokens of a prompt have none. It opens no file.
 *
 * @example Which experts does a model use?
 * ```ts
 * import { load, parseTrace, replay, TraceRecorder } from "../../mod.ts";
 * import { assert } from "@std/assert";
 *
 * let recorder: TraceRecorder | undefined;
 * using engine = await load("models/stories-17m-q", {
 *   onRouting: (layer, routing) => recorder?.record(layer, routing),
 * });
 * recorder = new TraceRecorder(engine.name, engine.config);
 * for await (const _ of engine.generate("Once upon a time", { maxTokens: 9 }));
 * const trace = parseTrace(recorder.bytes());
 * assert(replay(trace, { slots: 4 }).hitRate > 0);
 * ```
 */
export class TraceRecorder {
  readonly #writer: TraceWriter;
  readonly #layerCount: number;
  readonly #topK: number;
  readonly #guessCount: number;
  readonly #taken: Uint8Array[] = [];
  /** The first token of the step. */
  #first = 0;
  /** The layer that comes next; the number of layers between steps. */
  #next: number;
  /** How many layers ahead guesses are made, besides one. */
  readonly #farDepths: readonly number[];
  /** What the layer before guessed. */
  #guess: ArrayLike<number> = [];
  /** What layers farther before guessed, by depth and layer: (depths, layers) */
  #farGuesses: ArrayLike<number>[][] = [];

  /**
   * Begins a trace without tokens.
   *
   * @param model The name of the model.
   * @param config What the model is.
   * @param guessAhead `LoadOptions.guessAhead`, as the model was loaded.
   */
  constructor(
    model: string,
    config: TracedModel,
    guessAhead: readonly number[] = [],
  ) {
    this.#farDepths = guessAhead;
    this.#layerCount = config.numHiddenLayers;
    this.#next = this.#layerCount;
    this.#topK = config.numExpertsPerTok;
    this.#guessCount = Math.min(GUESS_DEPTH, config.numLocalExperts);
    this.#writer = new TraceWriter({
      model,
      layerCount: this.#layerCount,
      expertCount: config.numLocalExperts,
      topK: this.#topK,
      guessCount: this.#guessCount,
      farDepths: guessAhead,
    });
  }

  /** How many tokens have run through all layers. */
  get tokenCount(): number {
    return this.#next === this.#layerCount
      ? this.#writer.tokenCount
      : this.#first;
  }

  /**
   * Records the routing of a step in a layer. Layer 0 begins a step; the steps
   * that did not come to their end, since they failed, are forgotten.
   *
   * @param layer The layer.
   * @param routing What `LoadOptions.onRouting` heard, with weights.
   * @throws {RangeError} If it is not the next layer of the step, or not the
   * routing of this model.
   */
  record(layer: number, routing: RoutingRecord): void {
    const { ids, weights } = routing;
    const tokenCount = ids.length / this.#topK;
    if (layer === 0) this.#beginStep(tokenCount);
    if (layer !== this.#next) {
      throw new RangeError(
        `Cannot record the routing of layer ${layer}: wanted layer ${
          this.#next % this.#layerCount
        }`,
      );
    }
    const farGuesses = this.#farGuesses.map((guesses) => guesses[layer] ?? []);
    for (let i = 0; i < tokenCount; i++) {
      const from = i * this.#topK;
      this.#writer.record({
        token: this.#first + i,
        layer,
        experts: ids.subarray(from, from + this.#topK),
        weights: weights.subarray(from, from + this.#topK),
        guess: this.#guess,
        farGuesses,
      });
    }
    this.#next++;
    this.#guess = Array.from(routing.guess.subarray(0, this.#guessCount));
    for (const [i, depth] of this.#farDepths.entries()) {
      // They are recorded when the layer is heard of that they are about.
      const guess = routing.farGuesses?.[i]?.subarray(0, this.#guessCount);
      this.#farGuesses[i]![layer + depth] = Array.from(guess ?? []);
    }
  }

  /**
   * The trace of the tokens that have run through all layers.
   *
   * @returns The bytes of a file, as `parseTrace()` reads it.
   */
  bytes(): Uint8Array<ArrayBuffer> {
    this.#taken.push(this.#writer.take());
    const length = this.#taken.reduce((sum, bytes) => sum + bytes.length, 0);
    const all = new Uint8Array(length);
    let at = 0;
    for (const bytes of this.#taken) {
      all.set(bytes, at);
      at += bytes.length;
    }
    return all;
  }

  #beginStep(tokenCount: number): void {
    this.#writer.dropIncomplete();
    this.#first = this.#writer.tokenCount;
    if (tokenCount === 1) {
      this.#writer.addTokens(1, "decode");
    } else {
      this.#writer.addTokens(1, "chunk");
      this.#writer.addTokens(tokenCount - 1, "prefill");
    }
    this.#next = 0;
    this.#guess = [];
    this.#farGuesses = this.#farDepths.map(() => []);
  }
}
