/**
 * Models that were fetched, taken away.
 *
 * @module
 */
import { dirname, join } from "@std/path";
import { fileError } from "../io/file_error.ts";
import { PartDirectory } from "../io/part_directory.ts";
import { PART_SUFFIX } from "../io/write_whole.ts";
import {
  byteLengthOf,
  isDirectoryAt,
  type NamedModel,
} from "./local_models.ts";
import { modelsFolder } from "./models_folder.ts";

/** Begins the names of directories that are on their way out. */
const REMOVED = ".removed-";

/**
 * Takes a fetched model away, and what a pull of it has brought so far. It is gone
 * under its name at once: a process that ends midway leaves a hidden directory,
 * which the next removal takes away.
 *
 * @param model The model, not a bundled one.
 * @param home Our folder.
 * @returns Bytes that were freed; a link frees none.
 * @throws {Error} If another process is pulling it, it lies elsewhere, or it cannot
 * be removed.
 */
export async function removeModel(
  model: NamedModel,
  home: string,
): Promise<number> {
  const { directory, name } = model;
  let freed = 0;
  try {
    await checkOwner(model);
    if (await isDirectoryAt(directory + PART_SUFFIX)) {
      freed += await byteLengthOf(directory + PART_SUFFIX);
      // It has a lock: nothing is taken from under a pull.
      const part = await PartDirectory.open(directory, {
        manifest: { "what": "removed" },
        force: true,
        action: `remove model ${name}`,
      });
      await part.discard();
    }
    if (await isDirectoryAt(directory)) {
      const { isSymlink } = await Deno.lstat(directory);
      if (!isSymlink) freed += await byteLengthOf(directory);
      const id = crypto.randomUUID();
      await Deno.rename(directory, join(modelsFolder(home), REMOVED + id));
    }
    await Deno.remove(dirname(directory)).catch(() => {}); // others may be there
    await removeLeftovers(home);
  } catch (error) {
    throw fileError(`remove model ${name}`, error);
  }
  return freed;
}

/** Of a link only the link goes, so nothing below one may. */
async function checkOwner({ directory, name }: NamedModel): Promise<void> {
  const owner = dirname(directory);
  if (!(await Deno.lstat(owner)).isSymlink) return;
  throw new Error(
    `Cannot remove model ${name}: ${owner} is a link to another folder, wanted the link removed, or the model where it lies`,
  );
}

/** Deletes what this removal, and others before, moved out of the way. */
async function removeLeftovers(home: string): Promise<void> {
  const folder = modelsFolder(home);
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.startsWith(REMOVED)) continue;
    // Of a link only the link.
    await Deno.remove(join(folder, name), { recursive: true });
  }
}
