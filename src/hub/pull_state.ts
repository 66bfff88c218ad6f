/**
 * How far a pull is, in a way that survives its end at any point.
 *
 * Data is written first, then synced to the disk, and only then the state that
 * speaks of it replaces the one before, as a whole. So the state never promises
 * bytes that are not there, whether the process is killed or the power fails;
 * what came after the last state is fetched again. And should it be wrong
 * nevertheless, the hash of the whole file says so at the end.
 *
 * @module
 */
import { join } from "@std/path";
import { fileError } from "../io/file_error.ts";
import { writeAll, writeWhole } from "../io/write_whole.ts";
import { addRange, type ByteRange } from "./byte_ranges.ts";

/** The file of the state, in the directory of what is pulled. */
export const STATE_FILE = "pull-state.json";

/** What is known of a file. */
export interface FileState {
  /** Names its content. */
  readonly content: string;
  /** What is on the disk: sorted, apart from each other. */
  readonly ranges: readonly ByteRange[];
  /** Whether all of it is there and its hash is right. */
  readonly isVerified: boolean;
}

/** The state of a pull. It knows what is there; it fetches nothing. */
export class PullState {
  readonly #directory: string;
  readonly #files: Map<string, FileState>;
  /** Files that were written to since the last state. */
  #unsynced = new Set<string>();
  #isChanged = false;
  #saving: Promise<void> = Promise.resolve();

  private constructor(directory: string, files: Map<string, FileState>) {
    this.#directory = directory;
    this.#files = files;
  }

  /**
   * Reads what an earlier run left.
   *
   * @param directory The directory of what is pulled.
   * @returns The state; an empty one if there is none that can be read.
   */
  static async open(directory: string): Promise<PullState> {
    let text = "";
    try {
      text = await Deno.readTextFile(join(directory, STATE_FILE));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) {
        throw fileError(`read ${join(directory, STATE_FILE)}`, error);
      }
    }
    return new PullState(directory, parsePullState(text));
  }

  /**
   * Finds what is known of a file.
   *
   * @param path Its path below the directory.
   * @returns What is known; `undefined` if nothing is.
   */
  get(path: string): FileState | undefined {
    return this.#files.get(path);
  }

  /**
   * Sets what is known of a file.
   *
   * @param path Its path below the directory.
   * @param state What is known from now on.
   */
  set(path: string, state: FileState): void {
    this.#files.set(path, state);
    this.#isChanged = true;
  }

  /**
   * Notes that bytes of a file were written.
   *
   * @param path Its path below the directory; something is known of it.
   * @param range The bytes.
   */
  wrote(path: string, range: ByteRange): void {
    const state = this.#files.get(path)!;
    this.set(path, { ...state, ranges: addRange(state.ranges, range) });
    this.#unsynced.add(path);
  }

  /**
   * Writes the state, after the data that it speaks of.
   *
   * @throws {Error} If it cannot be written.
   */
  save(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#save());
    return this.#saving;
  }

  async #save(): Promise<void> {
    if (!this.#isChanged) return;
    this.#isChanged = false;
    const unsynced = this.#unsynced;
    this.#unsynced = new Set();
    // Before the sync: what is written meanwhile is for the next time.
    const text = JSON.stringify({ files: Object.fromEntries(this.#files) });
    for (const name of unsynced) await sync(join(this.#directory, name));
    await writeWhole(
      join(this.#directory, STATE_FILE),
      (file) => writeAll(file, new TextEncoder().encode(text + "\n")),
    );
  }

  /** Removes the state from the disk, when nothing is left to do. */
  async remove(): Promise<void> {
    await this.#saving;
    try {
      await Deno.remove(join(this.#directory, STATE_FILE));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      throw fileError(`remove ${join(this.#directory, STATE_FILE)}`, error);
    }
  }
}

/**
 * Reads the text of a state.
 *
 * @param text The text.
 * @returns What is known, by path; nothing of what makes no sense.
 */
export function parsePullState(text: string): Map<string, FileState> {
  const files = new Map<string, FileState>();
  for (const [path, entry] of Object.entries(entriesOf(text))) {
    const { content, ranges, isVerified } = (entry ?? {}) as Partial<FileState>;
    if (typeof content !== "string" || !isRanges(ranges)) continue;
    files.set(path, { content, ranges, isVerified: isVerified === true });
  }
  return files;
}

function entriesOf(text: string): object {
  try {
    const files = JSON.parse(text)?.files;
    return typeof files === "object" && files !== null ? files : {};
  } catch {
    return {};
  }
}

/** Whether they are sorted and apart from each other. */
function isRanges(value: unknown): value is ByteRange[] {
  if (!Array.isArray(value)) return false;
  let last = -1;
  return value.every((range) => {
    if (!Array.isArray(range) || range.length !== 2) return false;
    const [start, end] = range;
    const isFit = Number.isSafeInteger(start) && Number.isSafeInteger(end) &&
      start > last && end > start;
    last = end;
    return isFit;
  });
}

async function sync(path: string): Promise<void> {
  try {
    using file = await Deno.open(path, { write: true });
    await file.syncData();
  } catch (error) {
    // It was thrown away meanwhile, and the state with it.
    if (error instanceof Deno.errors.NotFound) return;
    throw fileError(`write ${path}`, error);
  }
}
