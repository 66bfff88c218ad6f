/** Moves weights from a reader to the GPU, several at once. */

import type { Gpu } from "../gpu/device.ts";
import { forEachParallel } from "../io/for_each_parallel.ts";
import {
  type Matrix,
  type MatrixLayout,
  placeMatrices,
} from "../ops/matrix.ts";
import { padded } from "../ops/padded.ts";
import type { MatrixReader } from "./weight_reader.ts";

/** Weights that are read at the same time, unless the reader wants fewer. */
const READ_LIMIT = 12;

/** Bytes of weights that are in memory at the same time. */
const READ_BYTE_LENGTH = 256 * 2 ** 20;

/** Something to read and to upload. */
interface Job {
  readonly byteLength: number;
  readonly run: () => Promise<void>;
}

/** Where bytes go. */
export interface UploadTarget {
  /** The buffer. */
  readonly buffer: GPUBuffer;
  /** Their first byte in it. */
  readonly byteOffset: number;
  /** How many there are. */
  readonly byteLength: number;
  /** What lies alike: memory is used again for the same kind. */
  readonly kind: string;
}

/**
 * Makes the buffers of weights at once, and fills them when it is told to.
 */
export class Uploader {
  readonly #gpu: Gpu;
  readonly #reader: MatrixReader;
  readonly #jobs: Job[] = [];
  /** Arrays that were uploaded; it takes a while until memory is collected. */
  readonly #idle: { kind: string; bytes: Uint8Array<ArrayBuffer> }[] = [];

  /**
   * Constructs an uploader with nothing to do.
   *
   * @param gpu The GPU.
   * @param reader Where the weights come from.
   */
  constructor(gpu: Gpu, reader: MatrixReader) {
    this.#gpu = gpu;
    this.#reader = reader;
  }

  /**
   * Adds a vector, or the rows of a small matrix, each padded with zeros.
   *
   * @param name The tensor's name.
   * @param shape Its shape.
   * @returns The buffer, to be filled.
   */
  floats(name: string, shape: readonly number[]): GPUBuffer {
    const width = shape.at(-1)!;
    const stride = padded(width);
    const rowCount = shape.reduce((a, b) => a * b, 1) / width;
    const byteLength = rowCount * stride * 4;
    const buffer = this.#gpu.storageBuffer(name, byteLength);
    const run = async () => {
      const floats = await this.#reader.readFloats(name, shape);
      const rows = new Float32Array(rowCount * stride);
      for (let row = 0; row < rowCount; row++) {
        const from = row * width;
        rows.set(floats.subarray(from, from + width), row * stride);
      }
      this.#gpu.upload(buffer, new Uint8Array(rows.buffer));
    };
    this.#jobs.push({ byteLength, run });
    return buffer;
  }

  /**
   * Adds a matrix.
   *
   * @param base The tensor's name without `.weight`.
   * @param layout Its layout.
   * @returns The matrix, to be filled.
   */
  matrix(base: string, layout: MatrixLayout): Matrix {
    const buffer = this.#gpu.storageBuffer(base, layout.wordCount * 4);
    this.#addMatrix(base, layout, { buffer, byteOffset: 0 });
    return { buffer, layout };
  }

  /**
   * Adds matrices that one kernel reads: to one buffer, unless it were too large.
   *
   * @param label What errors call the buffer.
   * @param matrices Their tensors' names without `.weight`, and their layouts.
   * @returns The matrices, to be filled.
   */
  matrices(
    label: string,
    matrices: readonly (readonly [base: string, layout: MatrixLayout])[],
  ): Matrix[] {
    const { offsets, byteLength } = placeMatrices(
      matrices.map(([, layout]) => layout),
    );
    if (byteLength > this.#gpu.bindByteLimit) {
      return matrices.map(([base, layout]) => this.matrix(base, layout));
    }
    const buffer = this.#gpu.storageBuffer(label, byteLength);
    return matrices.map(([base, layout], i) => {
      const offset = offsets[i]!;
      this.#addMatrix(base, layout, { buffer, byteOffset: offset });
      const size = layout.wordCount * 4;
      return { buffer: { buffer, offset, size }, layout };
    });
  }

  #addMatrix(
    base: string,
    layout: MatrixLayout,
    place: Pick<UploadTarget, "buffer" | "byteOffset">,
  ): void {
    const { N, K, scheme, wordCount } = layout;
    const kind = `${N} x ${K} ${JSON.stringify(scheme)}`;
    this.bytes(
      { ...place, byteLength: wordCount * 4, kind },
      (bytes) => this.#reader.write(base, layout, bytes),
    );
  }

  /**
   * Adds bytes.
   *
   * @param target Where they go.
   * @param read Fills an array with them: zeros, or others of the same kind.
   */
  bytes(
    { buffer, byteOffset, byteLength, kind }: UploadTarget,
    read: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
  ): void {
    const run = async () => {
      const bytes = this.#take(kind, byteLength);
      await read(bytes);
      this.#gpu.upload(buffer, bytes, byteOffset);
      this.#idle.push({ kind, bytes });
    };
    this.#jobs.push({ byteLength, run });
  }

  /**
   * Fills all buffers that were made.
   *
   * @param onDone Called before the first and after each, with how much is done.
   * @throws {Error} If a tensor cannot be read or is not what was expected.
   * @throws {GpuMemoryError} If the GPU refused memory for any of them.
   */
  async run(
    onDone?: (done: { count: number; byteLength: number }) => void,
  ): Promise<void> {
    const done = { count: 0, byteLength: 0 };
    onDone?.(done);
    await this.#gpu.memory.check(); // before gigabytes are read in vain
    await forEachParallel(this.#jobs, {
      limit: this.#reader.parallelReadCount ?? READ_LIMIT,
      byteLimit: READ_BYTE_LENGTH,
      byteLengthOf: ({ byteLength }) => byteLength,
      run: async ({ run, byteLength }) => {
        await run();
        done.count++;
        done.byteLength += byteLength;
        onDone?.(done);
      },
    });
    this.#jobs.length = 0;
    this.#idle.length = 0;
  }

  /** How many weights there are to fill, and their bytes. */
  get total(): { count: number; byteLength: number } {
    const byteLength = this.#jobs.reduce((sum, job) => sum + job.byteLength, 0);
    return { count: this.#jobs.length, byteLength };
  }

  #take(kind: string, byteLength: number): Uint8Array<ArrayBuffer> {
    const found = this.#idle.findIndex((idle) => idle.kind === kind);
    if (found >= 0) return this.#idle.splice(found, 1)[0]!.bytes;
    const idle = this.#idle.reduce((sum, { bytes }) => sum + bytes.length, 0);
    if (idle + byteLength > READ_BYTE_LENGTH) this.#idle.length = 0;
    return new Uint8Array(byteLength);
  }
}
