/**
 * Whether a path that a hub sends may become a file.
 *
 * @module
 */

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
  // Some file systems do not tell upper from lower case.
  const seen = new Set(taken.map((name) => name.toLowerCase()));
  for (const path of paths) {
    const lower = path.toLowerCase();
    const isTaken = seen.has(lower) || seen.has(lower.split("/")[0]!);
    const problem = problemOf(path) ??
      (isTaken ? "its name is taken" : undefined);
    if (problem !== undefined) {
      throw new Error(
        `Cannot write ${
          showJson(path)
        }: ${problem}, wanted a path below the model's directory; --exclude leaves a file out`,
      );
    }
    seen.add(lower);
  }
}

function problemOf(path: string): string | undefined {
  // deno-lint-ignore no-control-regex -- they are what must not be there
  if (/[\0-\x1f\x7f-\x9f]/.test(path)) return "it has control characters";
  if (!path.isWellFormed()) return "it has half a character";
  const byteLength = (text: string) => new TextEncoder().encode(text).length;
  const isLong = byteLength(path) > MAX_PATH_BYTE_LENGTH ||
    path.split("/").some((name) => byteLength(name) > MAX_NAME_BYTE_LENGTH);
  if (isLong) return "it is longer than systems take";
  if (path.includes("\\")) return "it has a backslash";
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
