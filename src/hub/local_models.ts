/**
 * Models that are on this machine and have a name.
 *
 * @module
 */
import { join } from "@std/path";
import { PART_SUFFIX } from "../io/write_whole.ts";
import { modelsFolder, type PulledModel } from "./models_folder.ts";
import { readPulledModel } from "./pulled_model.ts";

/** Where models with names are. */
export interface ModelPlaces {
  /** Our folder, as `homeFolder()` finds it; `null` for none. */
  readonly home: string | null;
  /** The folder of the models that come with the program; `null` for none. */
  readonly bundled: string | null;
}

/** A model on this machine. */
export interface LocalModel {
  /** Its name: `owner/name`, `owner/name@revision`, or that of a bundled one. */
  readonly name: string;
  /** Its directory; if it is not whole yet, the directory that it will have. */
  readonly directory: string;
  /** Where its files are: the directory, or what a pull has brought so far. */
  readonly path: string;
  /** Whether it comes with the program. */
  readonly isBundled: boolean;
  /** Whether it is whole; if not, the same pull goes on. */
  readonly isWhole: boolean;
  /** Bytes of its files. */
  readonly byteLength: number;
  /** Where it came from; `null` if it was not fetched, or is not whole. */
  readonly source: PulledModel | null;
}

/**
 * Lists the models that have a name: those that come with the program, and those
 * that were fetched, also in part. What cannot be read is left out.
 *
 * @param places Where to look.
 * @returns The models, bundled ones first, each kind by name.
 *
 * @example
 * ```ts
 * import { listModels } from "../../mod.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const models = await listModels({ home: null, bundled: "models" });
 * assertEquals(models.map(({ name }) => name), ["stories-17m", "stories-17m-q"]);
 * ```
 */
export async function listModels(places: ModelPlaces): Promise<LocalModel[]> {
  const found = await findNames(places);
  return await Promise.all(found.map(async (model) => ({
    ...model,
    byteLength: await byteLengthOf(model.path),
    source: model.isWhole && !model.isBundled
      ? await readPulledModel(model.path).catch(() => null)
      : null,
  })));
}

/** A model before anybody looked into its directory. */
export type NamedModel = Omit<LocalModel, "byteLength" | "source">;

/**
 * Finds the names of models without looking at their files.
 *
 * @param places Where to look.
 * @returns The models, in the order of {@linkcode listModels}.
 */
export async function findNames(
  { home, bundled }: ModelPlaces,
): Promise<NamedModel[]> {
  const models: NamedModel[] = [];
  for (const name of bundled === null ? [] : await foldersIn(bundled)) {
    const directory = join(bundled!, name);
    const where = { directory, path: directory };
    models.push({ name, ...where, isBundled: true, isWhole: true });
  }
  const folder = home === null ? null : modelsFolder(home);
  for (const owner of folder === null ? [] : await foldersIn(folder)) {
    const names = await foldersIn(join(folder!, owner));
    for (const name of names) {
      const isWhole = !name.endsWith(PART_SUFFIX);
      const base = isWhole ? name : name.slice(0, -PART_SUFFIX.length);
      // A whole one that is being brought up to date is listed as whole.
      if (!isWhole && names.includes(base)) continue;
      models.push({
        name: `${owner}/${withRevision(base)}`,
        directory: join(folder!, owner, base),
        path: join(folder!, owner, name),
        isBundled: false,
        isWhole,
      });
    }
  }
  return models;
}

/**
 * Finds the names of models that can be opened.
 *
 * @param places Where to look.
 * @returns The names, in the order of {@linkcode listModels}.
 */
export async function findWholeNames(places: ModelPlaces): Promise<string[]> {
  const models = await findNames(places);
  return models.filter(({ isWhole }) => isWhole).map(({ name }) => name);
}

/** The name of a directory as people write it: revisions are encoded there. */
function withRevision(base: string): string {
  try {
    return decodeURIComponent(base);
  } catch {
    return base; // made by somebody else
  }
}

/** Names of folders in a folder, in order; hidden ones are none of anybody's. */
async function foldersIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name, isDirectory, isSymlink } of Deno.readDir(folder)) {
      if (name.startsWith(".")) continue;
      // People link models that lie on another disk.
      const isFolder = isDirectory ||
        isSymlink && await isDirectoryAt(join(folder, name));
      if (isFolder) names.push(name);
    }
  } catch {
    return []; // it is not there, or not for us
  }
  return names.sort();
}

/**
 * Tells whether there is a directory.
 *
 * @param path Its path; a link counts as what it leads to.
 * @returns Whether there is.
 */
export async function isDirectoryAt(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    return false; // whatever the reason, nobody can use it
  }
}

/**
 * Adds up the files of a directory, not those that links lead to.
 *
 * @param directory The directory, or a link to one.
 * @returns Bytes; what cannot be read counts nothing.
 */
export async function byteLengthOf(directory: string): Promise<number> {
  let sum = 0;
  try {
    for await (const { name, isDirectory } of Deno.readDir(directory)) {
      const path = join(directory, name);
      sum += isDirectory
        ? await byteLengthOf(path)
        : (await Deno.lstat(path)).size;
    }
  } catch {
    return sum;
  }
  return sum;
}
