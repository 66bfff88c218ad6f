/**
 * One safetensors file of a checkpoint.
 *
 * @module
 */
import { fileError } from "./file_error.ts";
import {
  parseHeader,
  parseHeaderByteLength,
  PREFIX_BYTE_LENGTH,
  type SafetensorsHeader,
} from "./safetensors.ts";

/** Bytes asked of the system at once. */
const CHUNK_BYTE_LENGTH = 1 << 24;

/**
 * A file whose header is known and whose bytes are read on demand. The file is
 * open from the first read until it is disposed of.
 */
export class Shard {
  /** The path of the file. */
  readonly path: string;
  /** Its header. */
  readonly header: SafetensorsHeader;
  #file: Deno.FsFile | undefined;
  /** Settles after the last read: a file has one position, so reads queue. */
  #queue: Promise<unknown> = Promise.resolve();
  #disposed = false;

  private constructor(path: string, header: SafetensorsHeader) {
    this.path = path;
    this.header = header;
  }

  /**
   * Reads the header of a file and checks it against the length of the file.
   *
   * @param path The file.
   * @returns The shard, which holds no open file yet.
   * @throws {Error} If the file cannot be read.
   * @throws {SyntaxError} If it is malformed or truncated.
   */
  static async open(path: string): Promise<Shard> {
    try {
      using file = await Deno.open(path);
      const { size: fileByteLength, isFile } = await file.stat();
      if (!isFile) throw new Error(`Cannot read ${path}: it is not a file`);
      const prefix = new Uint8Array(
        Math.min(PREFIX_BYTE_LENGTH, fileByteLength),
      );
      await readFully(file, 0, prefix);
      const options = { file: path, fileByteLength };
      const headerByteLength = parseHeaderByteLength(prefix, options);
      const bytes = new Uint8Array(PREFIX_BYTE_LENGTH + headerByteLength);
      await readFully(file, 0, bytes);
      return new Shard(path, parseHeader(bytes, options));
    } catch (error) {
      throw fileError(`read ${path}`, error);
    }
  }

  /**
   * Fills an array with bytes of the file. Reads may be asked for at the same
   * time; they are done one after the other.
   *
   * @param begin The first byte.
   * @param target What to fill.
   * @throws {Error} If the file cannot be read that far, or is disposed of.
   */
  read(begin: number, target: Uint8Array): Promise<void> {
    const result = this.#queue.then(() => this.#read(begin, target));
    this.#queue = result.catch(() => {}); // the next read may still succeed
    return result;
  }

  async #read(begin: number, target: Uint8Array): Promise<void> {
    try {
      this.#checkOpen();
      this.#file ??= await this.#open();
      await readFully(this.#file, begin, target);
    } catch (error) {
      throw fileError(`read ${this.path}`, error);
    }
  }

  async #open(): Promise<Deno.FsFile> {
    const file = await Deno.open(this.path);
    if (this.#disposed) file.close();
    this.#checkOpen();
    return file;
  }

  #checkOpen(): void {
    if (this.#disposed) {
      throw new Error(
        `Cannot read ${this.path}: its checkpoint is disposed of, wanted an open one`,
      );
    }
  }

  /** Closes the file. Reads in flight fail. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#file?.close();
    this.#file = undefined;
  }
}

async function readFully(
  file: Deno.FsFile,
  begin: number,
  target: Uint8Array,
): Promise<void> {
  await file.seek(begin, Deno.SeekMode.Start);
  let offset = 0;
  while (offset < target.byteLength) {
    const chunk = target.subarray(offset, offset + CHUNK_BYTE_LENGTH);
    const count = await file.read(chunk);
    if (count === null) {
      throw new Deno.errors.UnexpectedEof(
        `it ends at byte ${begin + offset}, wanted ${
          begin + target.byteLength
        }: it was cut short after it was opened`,
      );
    }
    offset += count;
  }
}
