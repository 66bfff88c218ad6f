/**
 * Mixtral's forward pass (Jiang et al., arXiv 2401.04088). Read this file first.
 *
 * A step runs T tokens through all layers: many in prefill, one in decode.
 * `Mixtral.encodeLayers` is the model; the rest of the file makes its parts.
 */

import type { Gpu } from "../gpu/device.ts";
import { writeStep } from "../ops/step.ts";
import type { ModelConfig } from "./config.ts";
import {
  buildMixtral,
  LOGIT_ROWS,
  type MixtralOptions,
  type MixtralParts,
} from "./mixtral_parts.ts";
import type { Weights } from "./upload.ts";

/** A Mixtral model with its KV cache. */
export class Mixtral implements Disposable {
  /** What it is. */
  readonly config: ModelConfig;
  /** Positions of the KV cache. */
  readonly contextLength: number;
  /** The most tokens of one step. */
  readonly chunkSize: number;

  readonly #gpu: Gpu;
  readonly #parts: MixtralParts;

  private constructor(gpu: Gpu, config: ModelConfig, parts: MixtralParts) {
    this.#gpu = gpu;
    this.#parts = parts;
    this.config = config;
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

  /** Records a step of T tokens through all layers. */
  #encodeLayers(pass: GPUComputePassEncoder, T: number): void {
    this.#parts.embed.encode(pass, T); //          x (T, hiddenSize)
    for (const layer of this.#parts.layers) {
      layer.inputNorm.encode(pass, T); //          xb = norm(x)
      layer.q.encode(pass, T); //                  q = Wq xb
      layer.k.encode(pass, T); //                  k = Wk xb
      layer.v.encode(pass, T); //                  v = Wv xb
      layer.ropeKv.encode(pass, T); //             rotate q, k; append k, v
      layer.attention.encode(pass, T); //          a = softmax(q k^T) v
      layer.o.encode(pass, T); //                  x += Wo a
      layer.postAttentionNorm.encode(pass, T); //  xb = norm(x)
      layer.route.encode(pass, T); //              experts, weights (T, topK)
      layer.experts.encode(pass, T); //            y[r] = W2 (silu(W1 xb) W3 xb)
      layer.combine.encode(pass, T); //            x += sum of weight[r] y[r]
    }
  }

  /** Records the logits of rows `firstRow...` of the step. */
  #encodeHead(pass: GPUComputePassEncoder, rowCount: number): void {
    this.#parts.finalNorm.encode(pass, rowCount); //  xb = norm(x)
    this.#parts.lmHead.encode(pass, rowCount); //     logits = Whead xb
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
      const isLast = at + chunk.length === tokens.length;
      const commands = this.#encodeStep(chunk, position + at, isLast);
      if (isLast) return await this.#readLogits(commands, 1);
      this.#gpu.device.queue.submit([commands.finish()]);
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
      const layers = this.#encodeStep(chunk, position + at, false);
      this.#gpu.device.queue.submit([layers.finish()]);
      for (let row = 0; row < chunk.length; row += LOGIT_ROWS) {
        const rows = chunk.slice(row, row + LOGIT_ROWS);
        // The head of a step takes its rows for tokens.
        const step = { tokens: rows, position, firstRow: row };
        writeStep(this.#gpu, this.#parts.step, step);
        const commands = this.#gpu.device.createCommandEncoder();
        const pass = commands.beginComputePass();
        this.#encodeHead(pass, rows.length);
        pass.end();
        yield await this.#readLogits(commands, rows.length);
      }
    }
  }

  #encodeStep(
    tokens: readonly number[],
    position: number,
    withLogits: boolean,
  ): GPUCommandEncoder {
    const firstRow = tokens.length - 1;
    writeStep(this.#gpu, this.#parts.step, { tokens, position, firstRow });
    const commands = this.#gpu.device.createCommandEncoder();
    const pass = commands.beginComputePass();
    this.#encodeLayers(pass, tokens.length);
    if (withLogits) this.#encodeHead(pass, 1);
    pass.end();
    return commands;
  }

  async #readLogits(
    commands: GPUCommandEncoder,
    rowCount: number,
  ): Promise<Float32Array<ArrayBuffer>> {
    const { vocabSize } = this.config;
    const { logits: { buffer, stride }, readback } = this.#parts;
    const bytes = await readback.read(commands, buffer, rowCount * stride * 4);
    const padded = new Float32Array(bytes); // (rowCount, stride)
    if (stride === vocabSize) return padded;
    const logits = new Float32Array(rowCount * vocabSize);
    for (let row = 0; row < rowCount; row++) {
      const from = row * stride;
      logits.set(padded.subarray(from, from + vocabSize), row * vocabSize);
    }
    return logits;
  }

  /** Frees the read-back; the device owns the rest. */
  [Symbol.dispose](): void {
    this.#parts.readback[Symbol.dispose]();
  }
}
