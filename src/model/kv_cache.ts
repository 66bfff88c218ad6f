import { checked } from "../gpu/checked.ts";
import type { Gpu } from "../gpu/device.ts";
import type { KvBuffers } from "../ops/attention.ts";

/** Keys are rotated by their positions; values are as they come. */
export type KvPart = keyof KvBuffers;

/** Both parts, in the order of files. */
export const KV_PARTS: readonly KvPart[] = ["k", "v"];

/**
 * The keys and values of all layers on the GPU, as bytes: float32 (positions, width)
 * for each layer and part. It does not know which positions are in use.
 */
export class KvCache {
  /** How many layers there are. */
  readonly layerCount: number;
  /** Numbers of a position in one layer and part, with padding. */
  readonly width: number;
  readonly #gpu: Gpu;
  readonly #layers: readonly KvBuffers[];

  /**
   * Constructs the view of a model's buffers, which stay the device's.
   *
   * @param gpu The GPU.
   * @param layers The buffers of each layer.
   * @param width Numbers of a position in one layer and part.
   */
  constructor(gpu: Gpu, layers: readonly KvBuffers[], width: number) {
    this.#gpu = gpu;
    this.#layers = layers;
    this.layerCount = layers.length;
    this.width = width;
  }

  /** Bytes of a position in all layers. */
  get positionByteLength(): number {
    return this.layerCount * KV_PARTS.length * this.width * 4;
  }

  /**
   * Opens the first positions for reading.
   *
   * @param positionCount How many.
   * @returns Reads the bytes of one layer and part, one at a time.
   */
  async reader(positionCount: number): Promise<KvReader> {
    const byteLength = positionCount * this.width * 4;
    const readback = await this.#gpu.readback(byteLength);
    return {
      read: async (layer, part) => {
        const commands = this.#gpu.device.createCommandEncoder();
        const source = this.#layers[layer]![part];
        const bytes = await readback.read(commands, source, byteLength);
        return new Uint8Array(bytes, 0, byteLength);
      },
      [Symbol.dispose]: () => readback[Symbol.dispose](),
    };
  }

  /**
   * Writes the first positions of one layer and part.
   *
   * @param layer The layer.
   * @param part Keys or values.
   * @param bytes Whole positions.
   */
  write(layer: number, part: KvPart, bytes: Uint8Array<ArrayBuffer>): void {
    this.#gpu.upload(this.#layers[layer]![part], bytes);
  }

  /**
   * Runs reads or writes, and fails if the GPU refused any of them.
   *
   * @param run What to run.
   * @returns What it returns.
   * @throws {Error} What it throws, or what the GPU said.
   */
  checked<T>(run: () => Promise<T>): Promise<T> {
    return checked(this.#gpu.device, run);
  }
}

/** Reads keys and values; disposing of it frees what that took. */
export interface KvReader extends Disposable {
  /** Reads the bytes of one layer and part. */
  read(layer: number, part: KvPart): Promise<Uint8Array<ArrayBuffer>>;
}
