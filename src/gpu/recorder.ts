/** The commands of a step, which may be read back from on the way. */

import type { Gpu } from "./device.ts";
import type { Readback, Slice } from "./readback.ts";

/** Something that can be recorded: see `Op` in src/ops/op.ts. */
interface Encodable {
  encode(pass: GPUComputePassEncoder, tokenCount: number): void;
}

/** Milliseconds of the host by what it did for the GPU. */
export interface RecorderTimes {
  /** From the first command after a submit to the last one before the next. */
  encode: number;
  /** Finishing commands and handing them to the queue. */
  submit: number;
  /** Waiting for the GPU, and copying what it gives. */
  readback: number;
}

/**
 * Records ops into one compute pass, and begins a new one after a submit.
 *
 * Nothing of it outlives a step; command encoders are the one kind of object
 * that WebGPU makes anew for each submit.
 */
export class Recorder {
  readonly #gpu: Gpu;
  readonly #readback: Readback;
  #commands: GPUCommandEncoder | null = null;
  #pass: GPUComputePassEncoder | null = null;
  /**
   * Called after each op, to record what may run beside it: copies that touch
   * none of its buffers.
   */
  beside: ((pass: GPUComputePassEncoder) => void) | null = null;
  /** How many times commands were submitted. */
  submitCount = 0;
  /** Where the host's time went so far. */
  readonly timeMs: RecorderTimes = { encode: 0, submit: 0, readback: 0 };
  #encodeStart = 0;

  /**
   * Constructs a recorder with nothing in it.
   *
   * @param gpu The GPU.
   * @param readback What reads are made through.
   */
  constructor(gpu: Gpu, readback: Readback) {
    this.#gpu = gpu;
    this.#readback = readback;
  }

  /** The pass that ops are recorded into. */
  get pass(): GPUComputePassEncoder {
    if (this.#pass === null) {
      this.#encodeStart = performance.now();
      this.#commands = this.#gpu.device.createCommandEncoder();
      this.#pass = this.#commands.beginComputePass();
    }
    return this.#pass;
  }

  /**
   * Records an op, and what goes beside it.
   *
   * @param op The op.
   * @param tokenCount How many tokens the step has.
   */
  run(op: Encodable, tokenCount: number): void {
    op.encode(this.pass, tokenCount);
    this.beside?.(this.pass);
  }

  /** Submits what has been recorded. */
  submit(): void {
    if (this.#commands === null) return;
    const commands = this.#finish();
    const start = performance.now();
    this.#gpu.device.queue.submit([commands.finish()]);
    this.timeMs.submit += performance.now() - start;
  }

  /**
   * Submits what has been recorded, waits for it, and reads.
   *
   * @param slices What to read, in order.
   * @returns The bytes of all slices, one after the other.
   */
  async read(slices: readonly Slice[]): Promise<ArrayBuffer> {
    this.pass; // there may be nothing to run, but there is something to copy
    const commands = this.#finish();
    const start = performance.now();
    const waitedBefore = this.#readback.waitMs;
    const bytes = await this.#readback.readSlices(commands, slices);
    const waited = this.#readback.waitMs - waitedBefore;
    this.timeMs.readback += waited;
    this.timeMs.submit += performance.now() - start - waited;
    return bytes;
  }

  /** Forgets what was recorded since the last submit, after a failure. */
  abandon(): void {
    this.#pass?.end();
    this.#commands = null;
    this.#pass = null;
    this.beside = null;
  }

  #finish(): GPUCommandEncoder {
    this.#pass!.end();
    const commands = this.#commands!;
    this.#commands = null;
    this.#pass = null;
    this.submitCount++;
    this.timeMs.encode += performance.now() - this.#encodeStart;
    return commands;
  }
}
