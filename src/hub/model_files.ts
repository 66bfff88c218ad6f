/**
 * The files of a model on disk, and whether they are what its hub said.
 *
 * @module
 */
import { join } from "@std/path";
import { fileError } from "../io/file_error.ts";
import { checkContent } from "./content_hash.ts";
import type { PulledModel } from "./models_folder.ts";

/** A file of a model. */
export interface ModelFile {
  /** Its path below the model's directory, with slashes. */
  readonly path: string;
  /** Its bytes on disk; `null` if it is missing. */
  readonly byteLength: number | null;
  /** Its bytes as the hub said; `null` if no hub said anything. */
  readonly wantedByteLength: number | null;
}

/** What {@linkcode checkModelFiles} found of a file. */
export interface CheckedFile {
  /** Its path below the model's directory, with slashes. */
  readonly path: string;
  /**
   * `no hash` where the hub said none and the length is right; `wrong` is about
   * lengths, too.
   */
  readonly outcome: "right" | "wrong" | "missing" | "no hash";
}

/**
 * Lists the files of a model: those in its directory, and those that it was
 * fetched with.
 *
 * @param directory The model's directory.
 * @param source Where it came from, if it was fetched.
 * @returns The files by name.
 * @throws {Error} If the directory cannot be read.
 */
export async function listModelFiles(
  directory: string,
  source: PulledModel | null,
): Promise<ModelFile[]> {
  const wanted = new Map(
    source?.files.map(({ path, byteLength }) => [path, byteLength]),
  );
  const paths = new Set(wanted.keys());
  try {
    for await (const { name } of Deno.readDir(directory)) paths.add(name);
  } catch (error) {
    throw fileError(`read ${directory}`, error);
  }
  const files: ModelFile[] = [];
  for (const path of [...paths].sort()) {
    const wantedByteLength = wanted.get(path) ?? null;
    const byteLength = await fileLength(join(directory, path));
    if (byteLength === null && wantedByteLength === null) continue; // a folder
    files.push({ path, byteLength, wantedByteLength });
  }
  return files;
}

/**
 * Tells whether a file is there as the hub said, by its length.
 *
 * @param file The file.
 * @returns Whether it is; `true` if no hub said anything.
 */
export function isOfRightLength(file: ModelFile): boolean {
  const { byteLength, wantedByteLength } = file;
  return wantedByteLength === null || byteLength === wantedByteLength;
}

/**
 * Reads all files that a model was fetched with, and compares their hashes with
 * what the hub said.
 *
 * @param directory The model's directory.
 * @param source Where it came from.
 * @param options What stops it, and who hears how many bytes were read.
 * @returns What was found, in the order of `source`.
 * @throws {Error} If a file cannot be read.
 */
export async function checkModelFiles(
  directory: string,
  source: PulledModel,
  { signal, onBytes }: {
    signal: AbortSignal;
    onBytes?: (doneByteLength: number, totalByteLength: number) => void;
  },
): Promise<CheckedFile[]> {
  const total = source.files.reduce((sum, file) => sum + file.byteLength, 0);
  let done = 0;
  const checked: CheckedFile[] = [];
  for (const file of source.files) {
    const { path, byteLength } = file;
    const end = done + byteLength;
    const at = join(directory, path);
    const length = await fileLength(at);
    let outcome: CheckedFile["outcome"];
    if (length === null) outcome = "missing";
    else if (length !== byteLength) outcome = "wrong";
    else {
      const { isRight, kind } = await checkContent(at, file, {
        signal,
        onBytes: (count) => onBytes?.(done += count, total),
      });
      outcome = !isRight ? "wrong" : kind === "no hash" ? kind : "right";
    }
    checked.push({ path, outcome });
    done = end;
    onBytes?.(done, total);
  }
  return checked;
}

/** Links count as what they lead to, as in the caches of Hugging Face. */
async function fileLength(path: string): Promise<number | null> {
  try {
    const { isFile, size } = await Deno.stat(path);
    return isFile ? size : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw fileError(`read ${path}`, error);
  }
}
