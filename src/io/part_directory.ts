/**
 * Directories that appear under their name when they are whole.
 *
 * @module
 */
import { join } from "@std/path";
import { fileError } from "./file_error.ts";
import { PART_SUFFIX, writeAll } from "./write_whole.ts";

/** In the part directory: what is being made there, and the lock. */
const MANIFEST = "manifest.json";
/** In the part directory: what was under the name before, on its way out. */
const REPLACED = "replaced";

/** Names in a part directory that what is made there cannot have. */
export const PART_NAMES: readonly string[] = [MANIFEST, REPLACED];

/** How to open a {@linkcode PartDirectory}. */
export interface PartDirectoryOptions {
  /**
   * What is to be made, as JSON. Only a run with the same manifest goes on with
   * what an earlier one left.
   */
  readonly manifest: unknown;
  /** Whether to replace the target, and what a run of another manifest left. */
  readonly force: boolean;
  /**
   * What was asked for, as refusals say it.
   *
   * @default {`write ${target}`}
   */
  readonly action?: string;
}

/** What is to be made where. */
interface Claim {
  readonly action: string;
  readonly path: string;
  readonly text: string;
  readonly force: boolean;
}

/**
 * A directory `<target>.part` that becomes `<target>`, which may take several
 * processes: at whatever point one ends, the next goes on, and nobody sees
 * half a target. Two at once is refused, by a lock that ends with its process.
 */
export class PartDirectory implements Disposable {
  /** Where to put the files. */
  readonly path: string;
  readonly #target: string;
  readonly #lock: Deno.FsFile;

  private constructor(target: string, path: string, lock: Deno.FsFile) {
    this.#target = target;
    this.path = path;
    this.#lock = lock;
  }

  /**
   * Makes the directory, or finds what an earlier run left there.
   *
   * @param target The directory to make.
   * @param options What is to be made, and whether to replace.
   * @returns The directory; disposing of it leaves it for another run.
   * @throws {Error} If the target is there, or a run of another manifest left
   * something, and `force` is not set; or if another process writes there.
   */
  static async open(
    target: string,
    { manifest, force, action = `write ${target}` }: PartDirectoryOptions,
  ): Promise<PartDirectory> {
    const path = target + PART_SUFFIX;
    const text = JSON.stringify(manifest) + "\n";
    const made = { action, path, text, force };
    try {
      await makeRoom(target, made);
      await Deno.mkdir(path, { recursive: true });
      using cleanup = new DisposableStack();
      const lock = cleanup.use(await openLock(made));
      await claim(lock, made);
      cleanup.move();
      return new PartDirectory(target, path, lock);
    } catch (error) {
      throw fileError(action, error);
    }
  }

  /** Gives the directory its name, and takes away what had it before. */
  async finish(): Promise<void> {
    const target = this.#target;
    try {
      if (await isThere(target)) {
        const replaced = join(this.path, REPLACED);
        await removeAll(replaced);
        await Deno.rename(target, replaced);
      }
      this.#lock.close(); // some systems do not rename around open files
      await Deno.rename(this.path, target);
      await removeAll(join(target, REPLACED));
      // The last: as long as it is there, the same run can be finished.
      await Deno.remove(join(target, MANIFEST));
    } catch (error) {
      throw fileError(`write ${target}`, error);
    }
  }

  /** Takes the directory away, with what is in it. */
  async discard(): Promise<void> {
    this.#lock.close();
    await removeAll(this.path);
  }

  /** Lets go of the directory. */
  [Symbol.dispose](): void {
    try {
      this.#lock.close();
    } catch (error) {
      // It is closed if the directory got its name or is gone.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}

/**
 * Tells whether a directory got its name from a {@linkcode PartDirectory} whose
 * process ended right then: the same run is still to be finished.
 *
 * @param target The directory.
 * @returns Whether it did.
 */
export async function isUnfinished(target: string): Promise<boolean> {
  return await isThere(join(target, MANIFEST));
}

/** Checks the target; if the same run all but finished it, takes it back. */
async function makeRoom(
  target: string,
  { action, path, text, force }: Claim,
): Promise<void> {
  if (!await isThere(target)) return;
  if (await readIfAny(join(target, MANIFEST)) === text) {
    if (!await isThere(path)) return await Deno.rename(target, path);
  }
  if (force) return;
  throw new Error(
    `Cannot ${action}: it is there already, wanted another name, or force to replace it`,
  );
}

/** Opens the manifest, which only one process can have open. */
async function openLock({ action, path }: Claim): Promise<Deno.FsFile> {
  const names = await namesIn(path);
  if (names.length > 0 && !names.includes(MANIFEST)) {
    throw new Error(
      `Cannot ${action}: ${path} is there with other files, wanted it moved away`,
    );
  }
  const options = { create: true, read: true, write: true };
  using cleanup = new DisposableStack();
  const file = cleanup.use(await Deno.open(join(path, MANIFEST), options));
  if (!await file.tryLock(true)) {
    throw new Error(
      `Cannot ${action}: another process is writing it, wanted one at a time`,
    );
  }
  cleanup.move();
  return file;
}

/** Goes on with what is there if the manifest is the same, or begins. */
async function claim(
  lock: Deno.FsFile,
  { action, path, text, force }: Claim,
): Promise<void> {
  const others = (await namesIn(path)).filter((name) => name !== MANIFEST);
  if (await readAll(lock) === text) {
    const unfinished = others.filter((name) => name.endsWith(PART_SUFFIX));
    for (const name of unfinished) await removeAll(join(path, name));
    return;
  }
  // Files come after a whole manifest: without any, nothing is lost.
  if (others.length > 0 && !force) {
    throw new Error(
      `Cannot ${action}: ${path} is what is left of a run with other options or another source, wanted the same as then to go on with it, or force to begin again`,
    );
  }
  for (const name of others) await removeAll(join(path, name));
  await lock.truncate();
  await lock.seek(0, Deno.SeekMode.Start);
  await writeAll(lock, new TextEncoder().encode(text));
  await lock.sync();
}

/** Through the handle: a lock may keep out all others, our own included. */
async function readAll(file: Deno.FsFile): Promise<string> {
  const bytes = new Uint8Array((await file.stat()).size);
  let offset = 0;
  while (offset < bytes.length) {
    const count = await file.read(bytes.subarray(offset));
    if (count === null) break;
    offset += count;
  }
  return new TextDecoder().decode(bytes.subarray(0, offset));
}

async function namesIn(path: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function readIfAny(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return null; // whatever the reason, it is none of our manifests
  }
}

async function removeAll(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
