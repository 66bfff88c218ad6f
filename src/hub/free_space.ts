/**
 * How much room a disk has.
 *
 * @module
 */
import { statfs } from "node:fs/promises";
import { dirname, resolve } from "@std/path";

/**
 * Asks how many bytes may be written below a path.
 *
 * @param path A path; it need not exist.
 * @returns Bytes; `null` if the system does not say.
 */
export async function freeByteLength(path: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(await existing(resolve(path)));
    return bavail * bsize;
  } catch {
    return null; // then the write itself will say whether it fits
  }
}

/** The closest folder above that is there. */
async function existing(path: string): Promise<string> {
  try {
    await Deno.stat(path);
    return path;
  } catch (error) {
    const parent = dirname(path);
    if (!(error instanceof Deno.errors.NotFound) || parent === path) {
      throw error;
    }
    return await existing(parent);
  }
}
