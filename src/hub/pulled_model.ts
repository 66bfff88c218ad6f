/**
 * What the directory of a model that was fetched says of itself.
 *
 * @module
 */
import { join } from "@std/path";
import { fileError } from "../io/file_error.ts";
import { readPlainText } from "../io/plain_file.ts";
import { writeAll, writeWhole } from "../io/write_whole.ts";
import { checkHubPaths } from "./hub_path.ts";
import {
  type HubFile,
  type PulledModel,
  SOURCE_FILE,
} from "./models_folder.ts";

/**
 * Reads where a model came from.
 *
 * @param directory The model's directory.
 * @returns What it says; `null` if there is no such directory, or it was not
 * fetched, or what it says makes no sense.
 * @throws {Error} If it cannot be read.
 */
export async function readPulledModel(
  directory: string,
): Promise<PulledModel | null> {
  const path = join(directory, SOURCE_FILE);
  try {
    return parsePulledModel(await readPlainText(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    if (error instanceof Deno.errors.NotADirectory) return null;
    throw fileError(`read ${path}`, error);
  }
}

/**
 * Writes where a model came from.
 *
 * @param directory The model's directory.
 * @param source What to write.
 */
export async function writePulledModel(
  directory: string,
  source: PulledModel,
): Promise<void> {
  const bytes = new TextEncoder().encode(
    JSON.stringify(source, null, 2) + "\n",
  );
  const path = join(directory, SOURCE_FILE);
  await writeWhole(path, (file) => writeAll(file, bytes));
}

/**
 * Tells whether all files of a model lie in its directory, by their lengths.
 *
 * @param directory The directory.
 * @param files The files.
 * @returns Whether they do.
 */
export async function isWhole(
  directory: string,
  files: readonly HubFile[],
): Promise<boolean> {
  for (const { path, byteLength } of files) {
    try {
      const { isFile, size } = await Deno.stat(join(directory, path));
      if (!isFile || size !== byteLength) return false;
    } catch {
      return false;
    }
  }
  return true;
}

/**
 * Reads the text of a source file.
 *
 * @param text The text.
 * @returns What it says; `null` if it makes no sense.
 */
export function parsePulledModel(text: string): PulledModel | null {
  let value: Partial<PulledModel> | null;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const { commit, files, ...texts } = value ?? {};
  const { owner, name, revision, endpoint, pulledAt } = texts;
  const isText = [owner, name, revision, endpoint, pulledAt].every((field) =>
    typeof field === "string"
  );
  const isCommit = commit === null || typeof commit === "string";
  const isList = Array.isArray(files) && files.every(isHubFile);
  if (!isText || !isCommit || !isList) return null;
  // Whoever made the file may not have us read files elsewhere.
  if (!staysInside(files.map(({ path }) => path))) return null;
  return {
    ...value as PulledModel,
    // Earlier versions did not write the hashes of git.
    files: files.map((file) => ({ ...file, gitSha1: file.gitSha1 ?? null })),
  };
}

function staysInside(paths: readonly string[]): boolean {
  try {
    checkHubPaths(paths);
    return true;
  } catch {
    return false;
  }
}

function isHubFile(value: unknown): value is HubFile {
  const { path, byteLength, sha256, gitSha1 = null } = (value ?? {}) as Partial<
    HubFile
  >;
  return typeof path === "string" && Number.isSafeInteger(byteLength) &&
    [sha256, gitSha1].every((hash) =>
      hash === null || typeof hash === "string"
    );
}
