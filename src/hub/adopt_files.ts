/**
 * What of a model is here already, from a run that ended early or an earlier
 * version.
 *
 * @module
 */
import { dirname, join } from "@std/path";
import { fileError } from "../io/file_error.ts";
import { missingRanges } from "./byte_ranges.ts";
import { contentName } from "./content_hash.ts";
import type { HubFile, PulledModel } from "./models_folder.ts";
import { type FileState, PullState } from "./pull_state.ts";

/** Where to look. */
export interface AdoptOptions {
  /** The directory of what is pulled. */
  readonly directory: string;
  /** The commit that the files are of. */
  readonly commit: string | null;
  /** An earlier version of the model, whole; `null` if there is none. */
  readonly earlier: { directory: string; source: PulledModel } | null;
  /** Names in the directory that are not files of the model. */
  readonly reserved: readonly string[];
}

/**
 * Finds what is here of some files, and removes what belongs to none of them.
 * Files of an earlier version that are the same become the new one's, too.
 *
 * @param files The files that are wanted.
 * @param options Where to look.
 * @returns The state; something is known of each file.
 * @throws {Error} If the disk cannot be read or written.
 */
export async function adoptFiles(
  files: readonly HubFile[],
  options: AdoptOptions,
): Promise<PullState> {
  const { directory, reserved } = options;
  await removeOthers(directory, [...reserved, ...files.map((f) => f.path)]);
  const state = await PullState.open(directory);
  for (const file of files) {
    state.set(file.path, await adopt(file, state.get(file.path), options));
  }
  return state;
}

async function adopt(
  file: HubFile,
  known: FileState | undefined,
  { directory, commit, earlier }: AdoptOptions,
): Promise<FileState> {
  const content = contentName(file, commit);
  const path = join(directory, file.path);
  const size = await sizeOf(path);
  const all = missingRanges([], file.byteLength);
  if (size !== null && known?.content === content) {
    if (known.isVerified && size === file.byteLength) return known;
    const isThere = known.ranges.every(([, end]) =>
      end <= size && end <= file.byteLength
    );
    if (isThere && size <= file.byteLength) {
      return { ...known, isVerified: false };
    }
  }
  // Whole, but nothing says that it is right: its hash will.
  if (size === file.byteLength && known === undefined) {
    return { content, ranges: all, isVerified: false };
  }
  if (size !== null) await remove(path);
  const old = earlier?.source.files.find(({ path }) => path === file.path);
  const isSame = old !== undefined && old.byteLength === file.byteLength &&
    old.sha256 === file.sha256;
  const oldPath = join(earlier?.directory ?? "", file.path);
  if (isSame && await sizeOf(oldPath) === file.byteLength) {
    await linkOrCopy(oldPath, path);
    // Small files have no SHA-256 in the list; their hash will be computed.
    const isVerified = file.sha256 !== null;
    return { content, ranges: all, isVerified };
  }
  if (file.byteLength === 0) await create(path);
  return { content, ranges: [], isVerified: false };
}

/** The same bytes on the disk for both, if the file system can do that. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await Deno.mkdir(dirname(to), { recursive: true });
    try {
      await Deno.link(from, to);
    } catch {
      await Deno.copyFile(from, to);
    }
  } catch (error) {
    throw fileError(`write ${to}`, error);
  }
}

async function create(path: string): Promise<void> {
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeFile(path, new Uint8Array());
  } catch (error) {
    throw fileError(`write ${path}`, error);
  }
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    const { isFile, size } = await Deno.lstat(path);
    return isFile ? size : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    if (error instanceof Deno.errors.NotADirectory) return null;
    throw fileError(`read ${path}`, error);
  }
}

async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    throw fileError(`remove ${path}`, error);
  }
}

/** Removes what is not among some paths, with its folders. */
async function removeOthers(
  directory: string,
  paths: readonly string[],
): Promise<void> {
  const inFolders = new Map<string, string[]>();
  for (const path of paths) {
    const [folder = "", ...rest] = path.split("/");
    if (rest.length === 0) continue;
    inFolders.set(folder, [...inFolders.get(folder) ?? [], rest.join("/")]);
  }
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const path = join(directory, name);
    const below = inFolders.get(name);
    if (below !== undefined && isDirectory) await removeOthers(path, below);
    else if (!paths.includes(name)) await remove(path);
  }
}
