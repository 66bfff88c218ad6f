/** Whether the program's files are those that were built. */

import { fromFileUrl } from "@std/path";
import { hashFile } from "../../hub/content_hash.ts";
import { SUMS_FILE } from "../../program/build_facts.ts";
import { IS_BUILT, PROGRAM_ROOT } from "../../program/program_root.ts";

/** What became of the program's files. */
export interface ProgramFiles {
  /** The folder that a single file was unpacked into; `null` in other forms. */
  readonly folder: string | null;
  /** How many files there are to be. */
  readonly fileCount: number;
  /** Those that are not there, or not what they were. */
  readonly damaged: readonly string[];
}

/**
 * Compares the files of a program that was unpacked with their hashes. In other
 * forms there are none: sources may change, and `deno compile` embeds its files.
 *
 * @param root Where the program's files lie; `null` if it is of another form.
 * @returns What became of them.
 * @throws {Error} If the list of hashes cannot be read.
 */
export async function checkProgramFiles(
  root: URL | null = unpackedRoot(),
): Promise<ProgramFiles> {
  if (root === null) return { folder: null, fileCount: 0, damaged: [] };
  const text = await Deno.readTextFile(new URL(SUMS_FILE, root));
  const sums = text.trimEnd().split("\n").map((line) => line.split("  "));
  const damaged: string[] = [];
  for (const [hash, name] of sums) {
    if (await hashOf(new URL(name!, root)) !== hash) damaged.push(name!);
  }
  return { folder: fromFileUrl(root), fileCount: sums.length, damaged };
}

function unpackedRoot(): URL | null {
  return IS_BUILT && !Deno.build.standalone ? PROGRAM_ROOT : null;
}

/** The SHA-256 of a file in hexadecimal digits; `null` if it cannot be read. */
async function hashOf(url: URL): Promise<string | null> {
  const { signal } = new AbortController();
  try {
    return await hashFile(fromFileUrl(url), { algorithm: "sha256", signal });
  } catch {
    return null;
  }
}
