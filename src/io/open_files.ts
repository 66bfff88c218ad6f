/**
 * The files of a checkpoint that are open at the moment.
 *
 * @module
 */
import { fileError } from "./file_error.ts";
import { changeOf, type FileMark } from "./file_mark.ts";
import { forEachParallel } from "./for_each_parallel.ts";

/** Bytes asked of the system at once. */
const CHUNK_BYTE_LENGTH = 1 << 24;

/**
 * Chunks that are read at the same time. A few more than a disk or a memory
 * needs: while the program is busy, reads that ended are not followed by others.
 */
const READ_LIMIT = 12;

/** A file that nobody reads at the moment. */
interface IdleFile {
  readonly path: string;
  readonly file: Deno.FsFile;
}

/**
 * Reads files side by side, also the same one: a file handle has one position,
 * so every chunk gets a handle of its own while it is read. A few handles stay
 * open for the next.
 */
export class OpenFiles implements Disposable {
  /** The longest unused first. */
  readonly #idle: IdleFile[] = [];
  /** What files must still be, by path. */
  readonly #marks = new Map<string, FileMark>();
  /** Reads that wait for their turn. */
  readonly #waiting: (() => void)[] = [];
  #readingCount = 0;
  #isDisposed = false;

  /** How many files are open. */
  get count(): number {
    return this.#idle.length + this.#readingCount;
  }

  /**
   * Has reads of a file fail from now on if it is not what it was: what is known of
   * it, such as where its tensors lie, may be wrong then.
   *
   * @param path The file.
   * @param mark What it was.
   */
  expect(path: string, mark: FileMark): void {
    this.#marks.set(path, mark);
  }

  /**
   * Fills an array with bytes of a file. Reads may be asked for at the same
   * time; chunks are begun in the order in which they were asked for.
   *
   * @param path The file.
   * @param begin The first byte.
   * @param target What to fill.
   * @throws {Error} If the file cannot be read that far, is not what it was, or this
   * is disposed of.
   */
  async read(
    path: string,
    { begin, target }: { begin: number; target: Uint8Array },
  ): Promise<void> {
    const chunks = [];
    for (let at = 0; at < target.byteLength; at += CHUNK_BYTE_LENGTH) {
      chunks.push({
        begin: begin + at,
        target: target.subarray(at, at + CHUNK_BYTE_LENGTH),
      });
    }
    await forEachParallel(chunks, {
      limit: READ_LIMIT,
      run: (chunk) => this.#readChunk(path, chunk),
    });
  }

  async #readChunk(
    path: string,
    { begin, target }: { begin: number; target: Uint8Array },
  ): Promise<void> {
    await this.#beginReading();
    try {
      const file = await this.#open(path);
      try {
        // The check comes after the read: the file may change meanwhile, and a
        // change explains a read that failed better than the read does.
        await readFully(file, begin, target)
          .finally(() => this.#checkSame(path, file));
      } finally {
        this.#keep(path, file);
      }
      this.#checkOpen(path);
    } catch (error) {
      throw fileError(`read ${path}`, error);
    } finally {
      this.#endReading();
    }
  }

  async #beginReading(): Promise<void> {
    if (this.#readingCount < READ_LIMIT) {
      this.#readingCount++;
    } else { // the one that ends hands its turn over
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #endReading(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#readingCount--;
    else next();
  }

  async #open(path: string): Promise<Deno.FsFile> {
    this.#checkOpen(path);
    const i = this.#idle.findIndex((idle) => idle.path === path);
    if (i >= 0) return this.#idle.splice(i, 1)[0]!.file;
    return await Deno.open(path);
  }

  #keep(path: string, file: Deno.FsFile): void {
    if (this.#isDisposed) return file.close();
    this.#idle.push({ path, file });
    if (this.#idle.length > READ_LIMIT) this.#idle.shift()!.file.close();
  }

  /** At once, which takes some microseconds. */
  #checkSame(path: string, file: Deno.FsFile): void {
    const mark = this.#marks.get(path);
    const change = mark && changeOf(file.statSync(), mark);
    if (change) {
      throw new Error(
        `Cannot read ${path}: ${change}, wanted it as it was; load it again`,
      );
    }
  }

  #checkOpen(path: string): void {
    if (this.#isDisposed) {
      throw new Error(
        `Cannot read ${path}: its checkpoint is disposed of, wanted an open one`,
      );
    }
  }

  /** Closes the files. Reads in flight fail. */
  [Symbol.dispose](): void {
    this.#isDisposed = true;
    for (const { file } of this.#idle) file.close();
    this.#idle.length = 0;
  }
}

/**
 * Fills an array with bytes of an open file.
 *
 * @param file The file, which nobody else reads meanwhile.
 * @param begin The first byte.
 * @param target What to fill.
 * @throws {Deno.errors.UnexpectedEof} If the file ends before.
 */
export async function readFully(
  file: Deno.FsFile,
  begin: number,
  target: Uint8Array,
): Promise<void> {
  seek(file, begin);
  let offset = 0;
  while (offset < target.byteLength) {
    const count = await file.read(target.subarray(offset));
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

/** At once: it reads nothing, and a turn of the event loop may take a while. */
function seek(file: Deno.FsFile, byteOffset: number): void {
  file.seekSync(byteOffset, Deno.SeekMode.Start);
}
