/**
 * Whether a path that a hub sends may become a file.
 *
 * @module
 */

import { harmlessLine } from "../io/harmless.ts";
import { showJson } from "../io/show_json.ts";

/** Names that only look like files to Windows. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** Bytes of a name and of a path that every system takes. */
const MAX_NAME_BYTE_LENGTH = 255;
const MAX_PATH_BYTE_LENGTH = 1024;

/**
 * Checks paths that come from elsewhere: none may leave the directory that they
 * are put in, on any system, and no two may be the same file.
 *
 * @param paths Paths with slashes.
 * @param taken Names in that directory that are not to be had.
 * @throws {Error} If one is not what it should be.
 */
export function checkHubPaths(
  paths: readonly string[],
  taken: readonly string[] = [],
): void {
  const files = new Set(taken.map(sameName));
  const folders = new Set<string>();
  for (const path of paths) {
    const name = sameName(path);
    const above = foldersAbove(name);
    const isTaken = files.has(name) || folders.has(name) ||
      above.some((folder) => files.has(folder));
    const problem = problemOf(path) ??
      (isTaken ? "its name is taken" : undefined);
    if (problem !== undefined) {
      throw new Error(
        `Cannot write ${
          showJson(path)
        }: ${problem}, wanted a path below the model's directory; --exclude leaves a file out`,
      );
    }
    files.add(name);
    for (const folder of above) folders.add(folder);
  }
}

/** Some file systems tell neither upper from lower case nor é from e and an accent. */
function sameName(path: string): string {
  return path.normalize("NFC").toLowerCase();
}

/** `a` and `a/b` of `a/b/c`. */
function foldersAbove(path: string): string[] {
  const parts = path.split("/");
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join("/"));
}

function problemOf(path: string): string | undefined {
  if (!path.isWellFormed()) return "it has half a character";
  if (harmlessLine(path) !== path) return "it has control characters";
  const byteLength = (text: string) => new TextEncoder().encode(text).length;
  const isLong = byteLength(path) > MAX_PATH_BYTE_LENGTH ||
    path.split("/").some((name) => byteLength(name) > MAX_NAME_BYTE_LENGTH);
  if (isLong) return "it is longer than systems take";
  if (path.includes("\\")) return "it has a backslash";
  if (/[<>"|?*]/.test(path)) return "not every system has such names";
  if (path.includes(":")) return "it has a colon";
  if (path.startsWith("/")) return "it is absolute";
  const parts = path.split("/");
  if (parts.includes("..") || parts.includes(".")) {
    return "it leaves the directory";
  }
  if (parts.includes("")) return "a part of it is empty";
  if (parts.some((part) => /[. ]$/.test(part) || DEVICE.test(part))) {
    return "not every system has such names";
  }
  return undefined;
}
