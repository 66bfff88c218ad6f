/**
 * The weights of a model: a directory of safetensors files.
 *
 * @module
 */
import { decodeFloats, isFloatDtype } from "./float.ts";
import { OpenFiles } from "./open_files.ts";
import { openShards, type ShardEntry } from "./open_shards.ts";
import { showJson } from "./show_json.ts";
import type { Dtype, TensorInfo } from "./tensor_spec.ts";

/** What {@linkcode Checkpoint.expect} wants of a tensor. */
export interface ExpectOptions {
  /** The wanted dimensions. */
  shape: readonly number[];
  /**
   * The dtypes to accept.
   *
   * @default {undefined} any
   */
  dtypes?: readonly Dtype[];
}

/**
 * A directory of safetensors files, open for reading by tensor name.
 *
 * It knows names, dtypes and shapes; it does not know what a model is, and
 * keeps no bytes.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Checkpoint } from "./checkpoint.ts";
 *
 * using checkpoint = await Checkpoint.open("models/stories-17m");
 * const { dtype, shape } = checkpoint.info("model.norm.weight");
 * assertEquals([dtype, shape], ["BF16", [256]]);
 * const weights = await checkpoint.readFloat32("model.norm.weight");
 * assertEquals(weights.length, 256);
 * ```
 */
export class Checkpoint {
  /** The directory, as it was given. */
  readonly directory: string;
  readonly #entries: ReadonlyMap<string, ShardEntry>;
  readonly #files: OpenFiles;

  private constructor(directory: string, { entries, files }: {
    entries: ReadonlyMap<string, ShardEntry>;
    files: OpenFiles;
  }) {
    this.directory = directory;
    this.#entries = entries;
    this.#files = files;
  }

  /**
   * Opens a directory with `model.safetensors`, or with
   * `model.safetensors.index.json` and the shards that it names, or with
   * `*.safetensors` files of other names, whichever comes first. All headers
   * are read and checked, no tensor is.
   *
   * @param directory The directory.
   * @returns The checkpoint.
   * @throws {Error} If the directory or a file is missing, cannot be read, or
   * does not hold what the index says.
   * @throws {SyntaxError} If a file is malformed or truncated.
   */
  static async open(directory: string): Promise<Checkpoint> {
    const files = new OpenFiles();
    const entries = await openShards(directory, files);
    return new Checkpoint(directory, { entries, files });
  }

  /**
   * Lists the tensors.
   *
   * @returns Their names: shard by shard, in the order of their bytes.
   */
  names(): string[] {
    return [...this.#entries.keys()];
  }

  /**
   * Tells whether there is a tensor of that name.
   *
   * @param name Its name.
   * @returns Whether there is.
   */
  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /**
   * Tells what a tensor is.
   *
   * @param name Its name.
   * @returns Its dtype, shape, and place in its file.
   * @throws {Error} If there is none of that name.
   */
  info(name: string): TensorInfo {
    return { ...this.#entry(name).info, name };
  }

  /**
   * Checks that a tensor is what the caller takes it for.
   *
   * @param name Its name.
   * @param options The wanted shape and dtypes.
   * @returns Its dtype, shape, and place in its file.
   * @throws {Error} If there is none of that name.
   * @throws {RangeError} If its shape is another.
   * @throws {TypeError} If its dtype is another.
   */
  expect(name: string, { shape, dtypes }: ExpectOptions): TensorInfo {
    const info = this.info(name);
    const state = `Cannot use tensor ${
      showJson(name)
    } of ${this.directory}: its`;
    if (
      info.shape.length !== shape.length ||
      info.shape.some((dimension, i) => dimension !== shape[i])
    ) {
      throw new RangeError(
        `${state} shape is ${
          showJson(info.shape).replaceAll(",", ", ")
        }, wanted [${shape.join(", ")}]`,
      );
    }
    if (dtypes !== undefined && !dtypes.includes(info.dtype)) {
      throw new TypeError(
        `${state} dtype is ${info.dtype}, wanted ${dtypes.join(" or ")}`,
      );
    }
    return info;
  }

  /**
   * Reads the bytes of a tensor. Reads may be asked for at the same time, and
   * are done side by side.
   *
   * @param name Its name.
   * @returns A new array with exactly its bytes.
   * @throws {Error} If there is none of that name, or it cannot be read.
   */
  async read(name: string): Promise<Uint8Array<ArrayBuffer>> {
    const { shard, info } = this.#entry(name);
    const bytes = new Uint8Array(info.end - info.begin);
    await shard.read(info.begin, bytes);
    return bytes;
  }

  /**
   * Reads the bytes of a tensor to where they are wanted.
   *
   * @param name Its name.
   * @param target What to fill: exactly as many bytes as the tensor has.
   * @throws {Error} If there is none of that name, or it cannot be read.
   * @throws {RangeError} If the target is of another length.
   */
  async readInto(name: string, target: Uint8Array): Promise<void> {
    const { shard, info } = this.#entry(name);
    const byteLength = info.end - info.begin;
    if (target.byteLength !== byteLength) {
      throw new RangeError(
        `Cannot read tensor ${
          showJson(name)
        }: target has ${target.byteLength} bytes, wanted ${byteLength}`,
      );
    }
    await shard.read(info.begin, target);
  }

  /**
   * Reads a tensor of floats.
   *
   * @param name Its name.
   * @returns Its elements in order (all dimensions flattened).
   * @throws {Error} If there is none of that name, or it cannot be read.
   * @throws {TypeError} If its dtype is not F64, F32, F16 or BF16.
   */
  async readFloat32(name: string): Promise<Float32Array<ArrayBuffer>> {
    const { dtype } = this.#entry(name).info;
    if (!isFloatDtype(dtype)) {
      throw new TypeError(
        `Cannot read tensor ${
          showJson(name)
        } as floats: its dtype is ${dtype}, wanted F32, F16, BF16 or F64`,
      );
    }
    return decodeFloats(await this.read(name), dtype);
  }

  /** Closes the files. Reads in flight fail. */
  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]();
  }

  #entry(name: string): ShardEntry {
    const entry = this.#entries.get(name);
    if (entry === undefined) {
      throw new Error(
        `Cannot find tensor ${
          showJson(name)
        }: ${this.directory} has ${this.#entries.size} tensors, none of that name`,
      );
    }
    return entry;
  }
}
