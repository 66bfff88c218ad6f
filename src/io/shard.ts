/**
 * One safetensors file of a checkpoint.
 *
 * @module
 */
import { fileError } from "./file_error.ts";
import { type OpenFiles, readFully } from "./open_files.ts";
import { statPlainFile } from "./plain_file.ts";
import {
  parseHeader,
  parseHeaderByteLength,
  PREFIX_BYTE_LENGTH,
  type SafetensorsHeader,
} from "./safetensors.ts";

/** A file whose header is known and whose bytes are read on demand. */
export class Shard {
  /** The path of the file. */
  readonly path: string;
  /** Its header. */
  readonly header: SafetensorsHeader;
  readonly #files: OpenFiles;

  private constructor(
    path: string,
    header: SafetensorsHeader,
    files: OpenFiles,
  ) {
    this.path = path;
    this.header = header;
    this.#files = files;
  }

  /**
   * Reads the header of a file and checks it against the length of the file.
   *
   * @param path The file.
   * @param files What its bytes are to be read through.
   * @returns The shard, which holds no open file.
   * @throws {Error} If the file cannot be read.
   * @throws {SyntaxError} If it is malformed or truncated.
   */
  static async open(path: string, files: OpenFiles): Promise<Shard> {
    try {
      await statPlainFile(path);
      using file = await Deno.open(path);
      const mark = await file.stat();
      const { size: fileByteLength } = mark;
      const prefix = new Uint8Array(
        Math.min(PREFIX_BYTE_LENGTH, fileByteLength),
      );
      await readFully(file, 0, prefix);
      const options = { file: path, fileByteLength };
      const headerByteLength = parseHeaderByteLength(prefix, options);
      const bytes = new Uint8Array(PREFIX_BYTE_LENGTH + headerByteLength);
      await readFully(file, 0, bytes);
      const header = parseHeader(bytes, options);
      files.expect(path, mark);
      return new Shard(path, header, files);
    } catch (error) {
      throw fileError(`read ${path}`, error);
    }
  }

  /**
   * Fills an array with bytes of the file. Reads may be asked for at the same
   * time, and are done side by side.
   *
   * @param begin The first byte.
   * @param target What to fill.
   * @throws {Error} If the file cannot be read that far, or its checkpoint is
   * disposed of.
   */
  async read(begin: number, target: Uint8Array): Promise<void> {
    await this.#files.read(this.path, { begin, target });
  }
}
