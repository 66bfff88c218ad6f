/**
 * Mixtral's forward pass (Jiang et al., arXiv 2401.04088). Read this file first.
 *
 * A step runs T tokens through all layers: many in prefill, one in decode.
 * `Mixtral.#runLayers` is the model; `Mixtral.pickAhead()` runs some steps in a row,
 * each with the token that the one before it picked.
 */

import type { Gpu } from "../gpu/device.ts";
import type { ExpertCache } from "../offload/expert_cache.ts";
import type { ExpertWatch } from "../offload/expert_watch.ts";
import type { OffloadStats } from "../offload/offload_stats.ts";
import type { Recorder } from "../gpu/recorder.ts";
import { NO_PICK } from "../ops/argmax.ts";
import type { Op } from "../ops/op.ts";
import {
  AHEAD_LIMIT,
  beginStepAhead,
  type StepsAhead,
  writeStep,
  writeStepsAhead,
} from "../ops/step.ts";
import type { ModelConfig } from "./config.ts";
import { endStep, readLogits } from "./end_step.ts";
import {
  findNonFinite,
  type NonFinite,
  type StepAgain,
} from "./find_non_finite.ts";
import type { KvCache } from "./kv_cache.ts";
import { LOGIT_ROWS } from "./mixtral_buffers.ts";
import {
  buildMixtral,
  type MixtralOptions,
  type MixtralParts,
} from "./mixtral_parts.ts";
import type { LayerOps } from "./mixtral_layer.ts";
import type { Offload } from "./offload.ts";
import { Pace } from "./pace.ts";
import { endsSubmit } from "./turns.ts";
import type { Weights } from "./upload.ts";

const NOBODY = { isDeciding: false, isStaging: false };

/** A Mixtral model with its KV cache. */
export class Mixtral implements Disposable {
  /** What it is. */
  readonly config: ModelConfig;
  /** Positions of the KV cache. */
  readonly contextLength: number;
  /** The most tokens of one step. */
  readonly chunkSize: number;
  /** Keys and values of what has run. */
  readonly kv: KvCache;

  /** What offloading counted; `null` if all experts are on the GPU. */
  get offloadStats(): OffloadStats | null {
    return this.offload?.stats ?? null;
  }

  /** What runs offloaded experts; `null` if all experts are on the GPU. */
  get offload(): Offload | null {
    return this.#parts.offload;
  }

  /** Which expert is in which slot, by offloaded layer, after the latest step. */
  get caches(): readonly ExpertCache[] {
    this.#parts.residency?.refreshCaches();
    return this.offload?.caches ?? [];
  }

  /** Who wants to hear what experts do. */
  get watch(): ExpertWatch {
    return this.#parts.watch;
  }

  /** The most tokens that {@linkcode Mixtral.pickAhead} picks; 0: it cannot. */
  get aheadLimit(): number {
    const { residency, offload, far } = this.#parts;
    return residency?.isReady ?? (offload ?? far) === null ? AHEAD_LIMIT : 0;
  }

  /** Milliseconds spent waiting for the GPU so far. */
  get waitMs(): number {
    return this.#parts.readback.waitMs;
  }

  readonly #gpu: Gpu;
  readonly #parts: MixtralParts;
  /** Whether to submit on the way: a GPU begins while the host records the rest. */
  readonly #isEager: boolean;
  /** Of tokens that are picked ahead. */
  readonly #pace = new Pace();

  private constructor(gpu: Gpu, config: ModelConfig, parts: MixtralParts) {
    this.#gpu = gpu;
    this.#parts = parts;
    this.#isEager = !gpu.isSoftware;
    this.config = config;
    this.kv = parts.kv;
    this.contextLength = parts.contextLength;
    this.chunkSize = parts.chunkSize;
  }

  /**
   * Makes the buffers, kernels and bind groups of a model.
   *
   * @param gpu The GPU.
   * @param weights The weights, on the GPU.
   * @param options The room that it gets.
   * @returns The model, its KV cache empty.
   */
  static async create(
    gpu: Gpu,
    weights: Weights,
    options: MixtralOptions,
  ): Promise<Mixtral> {
    const parts = await buildMixtral(gpu, weights, options);
    return new Mixtral(gpu, weights.config, parts);
  }

  /** Runs a step of T tokens through all layers. */
  async #runLayers(recorder: Recorder, T: number): Promise<void> {
    const { embed, layers } = this.#parts;
    const { isDecided, isStaging, isEager } = this.#beginStep(T);
    const run = (op: Op) => recorder.run(op, T);
    const attend = (layer: LayerOps | undefined) => {
      if (layer === undefined) return;
      run(layer.inputNorm); //            xb = norm(x)
      run(layer.qkv); //                  q = Wq xb, k = Wk xb, v = Wv xb
      if (isStaging) run(layer.stage); // beside these, with which it shares no buffer
      run(layer.attention); //            rotate q, k; append k, v; a = softmax(q k^T) v
      run(layer.o); //                    x += Wo a
      run(layer.postAttentionNorm); //    xb = norm(x)
      run(layer.route); //                experts, weights (T, topK)
    };
    run(embed); //                        x (T, hiddenSize)
    attend(layers[0]);
    for (const [i, layer] of layers.entries()) {
      const goOn = () => {
        run(layer.combine); //            x += sum of weight[r] y[r]
        attend(layers[i + 1]);
      };
      recorder.next = goOn; // if the routing is read, recorded meanwhile
      await layer.experts.run(recorder, T, isDecided); // y[r] = W2 (silu(W1 xb) * W3 xb)
      recorder.section(goOn);
      if (isEager && endsSubmit(i, layers.length, recorder.submitCount)) {
        recorder.submit();
      }
    }
  }

  /** Who decides on experts, and whether to submit on the way. */
  #beginStep(T: number) {
    const { residency, offload } = this.#parts;
    residency?.beginStep(T);
    const { isDeciding: isDecided, isStaging } = residency ?? NOBODY;
    // Reads of the routing submit anyway.
    const isEager = this.#isEager && (offload === null || isDecided);
    return { isDecided, isStaging, isEager };
  }

  /** Records the logits of rows `firstRow...` of the step. */
  #runHead(recorder: Recorder, rowCount: number): void {
    recorder.run(this.#parts.finalNorm, rowCount); // xb = norm(x)
    recorder.run(this.#parts.lmHead, rowCount); //    logits = Whead xb
  }

  /**
   * Runs tokens and returns the logits of the last one.
   *
   * @param tokens Token ids, at least one.
   * @param position Where the first of them stands in the KV cache.
   * @returns The logits (vocabSize).
   */
  async forward(
    tokens: readonly number[],
    position: number,
  ): Promise<Float32Array<ArrayBuffer>> {
    for (let at = 0;; at += this.chunkSize) {
      const chunk = tokens.slice(at, at + this.chunkSize);
      const recorder = await this.#runStep(chunk, position + at);
      const isLast = at + chunk.length === tokens.length;
      if (isLast) this.#runHead(recorder, 1);
      const logits = await readLogits(recorder, this.#parts, Number(isLast));
      this.offloadStats?.countTimes(recorder.timeMs);
      if (isLast) return logits;
    }
  }

  /**
   * Runs tokens and yields the logits of all of them, some rows at a time.
   *
   * @param tokens Token ids, at least one.
   * @param position Where the first of them stands in the KV cache.
   * @returns Rows of logits (some, vocabSize), in order.
   */
  async *forwardAll(
    tokens: readonly number[],
    position: number,
  ): AsyncGenerator<Float32Array<ArrayBuffer>, void> {
    for (let at = 0; at < tokens.length; at += this.chunkSize) {
      const chunk = tokens.slice(at, at + this.chunkSize);
      const recorder = await this.#runStep(chunk, position + at);
      await readLogits(recorder, this.#parts, 0);
      for (let row = 0; row < chunk.length; row += LOGIT_ROWS) {
        const rows = chunk.slice(row, row + LOGIT_ROWS);
        // The head of a step takes its rows for tokens.
        const step = { tokens: rows, position, firstRow: row };
        writeStep(this.#gpu, this.#parts.shared.step, step);
        this.#runHead(recorder, rows.length);
        yield await readLogits(recorder, this.#parts, rows.length);
      }
    }
  }

  /**
   * Runs a token, and those that are most probable after it but for the last, with
   * one read-back.
   *
   * @param token The token id.
   * @param options Where it stands in the KV cache; how many tokens to pick, at
   * most `aheadLimit`; and, for tests of speed, what to run instead of those.
   * @returns The ids that were picked; fewer if logits hold NaN or infinity.
   */
  async pickAhead(
    token: number,
    { position, count, told }: Omit<StepsAhead, "token">,
  ): Promise<number[]> {
    const { shared: { step }, record, pick, picked, residency } = this.#parts;
    writeStepsAhead(this.#gpu, step, { token, position, count, told });
    const recorder = record({ phase: "decode", tokenCount: count, position });
    residency?.beginTokens(count);
    for (let index = 0; index < count; index++) {
      if (this.offload === null) await this.#pace.wait(index);
      beginStepAhead(recorder, step, { index, isTold: told !== undefined });
      recorder.position = position + index;
      await this.#runOrAbandon(recorder, 1);
      this.#runHead(recorder, 1);
      recorder.run(pick, 1); // picked[index] = token = argmax(logits)
      residency?.keepLog(recorder, index);
    }
    const slices = [{ source: picked, byteLength: count * 4 }];
    const log = residency?.keptLogs(count) ?? null;
    const bytes = await endStep(recorder, residency, { log, slices });
    this.#pace.end(count);
    this.offloadStats?.countTimes(recorder.timeMs);
    const ids = [...new Uint32Array(bytes, 0, count)];
    const end = ids.indexOf(NO_PICK);
    return end < 0 ? ids : ids.slice(0, end);
  }

  /** Runs the layers of a step; its last commands are yet to be submitted. */
  async #runStep(
    tokens: readonly number[],
    position: number,
  ): Promise<Recorder> {
    const { shared, record, residency } = this.#parts;
    const { length: tokenCount } = tokens;
    if (tokenCount === 1) residency?.beginTokens(1);
    const step = { tokens, position, firstRow: tokenCount - 1 };
    writeStep(this.#gpu, shared.step, step);
    const recorder = record({ tokenCount, position });
    await this.#runOrAbandon(recorder, tokenCount);
    return recorder;
  }

  async #runOrAbandon(recorder: Recorder, T: number): Promise<void> {
    try {
      await this.#runLayers(recorder, T);
    } catch (error) {
      recorder.abandon();
      this.#parts.offload?.reset();
      this.#parts.residency?.reset();
      throw error;
    }
  }

  /**
   * Runs a step again that gave logits which are no numbers, and finds out why.
   *
   * @param step The tokens, where they stand, and which of them it was.
   * @returns The part of the model where it began; `null` if all was finite now.
   */
  findNonFinite(step: StepAgain): Promise<NonFinite | null> {
    return findNonFinite(this.#gpu, this.#parts, step);
  }

  /** Frees the read-back and the host store; the device owns the rest. */
  [Symbol.dispose](): void {
    this.#parts.readback[Symbol.dispose]();
    this.#parts.offload?.[Symbol.dispose]();
  }
}
