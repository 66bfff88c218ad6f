/** What a built program says of itself. */

import { IS_BUILT, PROGRAM_ROOT } from "./program_root.ts";

/** What a program was built of, and into what. */
export interface BuildFacts {
  /**
   * `"compiled"` by `deno compile`, or `"single-file"`: an executable that unpacks
   * itself.
   */
  readonly form: "compiled" | "single-file";
  /** The project's version. */
  readonly version: string;
  /** The version of Deno. */
  readonly deno: string;
  /** For what it was built, such as `x86_64-unknown-linux-gnu`. */
  readonly target: string;
  /** The commit that was checked out; `null` if that is not known. */
  readonly commit: string | null;
  /** Whether files differed from that commit. */
  readonly isDirty: boolean;
  /** Versions of packages, by their names. */
  readonly packages: Readonly<Record<string, string>>;
  /** The model that comes with it. */
  readonly model: string;
}

/** The file, in the program's root. */
export const BUILD_FACTS_FILE = "build.json";

/** The file that has the hashes of all others, as `sha256sum` writes them. */
export const SUMS_FILE = "SHA256SUMS";

/**
 * Reads what this program was built of.
 *
 * @returns The facts; `null` if it runs from its source.
 */
export async function readBuildFacts(): Promise<BuildFacts | null> {
  if (!IS_BUILT) return null;
  const url = new URL(BUILD_FACTS_FILE, PROGRAM_ROOT);
  return JSON.parse(await Deno.readTextFile(url));
}
