import { dirname, join } from "@std/path";
import { modelsFolder } from "../../hub/models_folder.ts";
import { type Environment, homeFolder } from "../../io/home.ts";
import { PART_SUFFIX } from "../../io/write_whole.ts";
import { defaultModel } from "../open_engine.ts";

/**
 * Lists models by their names: those that come with the program, and those that
 * were fetched. It only looks at folders, and leaves out what it cannot read.
 *
 * @param environment What says where models are.
 * @returns The names, such as `stories-17m` and `owner/name`, in order.
 */
export async function modelNames(environment: Environment): Promise<string[]> {
  const home = homeFolder(environment);
  const [bundled, fetched] = await Promise.all([
    namesIn(dirname(defaultModel()), 1).catch(() => []),
    home === null ? [] : namesIn(modelsFolder(home), 2),
  ]);
  // Shells get these names: nothing that means anything to them.
  return [...bundled, ...fetched]
    .filter((name) => /^[\w@%+.,/-]+$/.test(name) && !name.startsWith("-"))
    .sort();
}

/** Folders as deep as that below a folder, by the path from there. */
async function namesIn(folder: string, depth: number): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (!isDirectory || /^\./.test(name) || name.endsWith(PART_SUFFIX)) {
        continue;
      }
      names.push(
        ...depth === 1 ? [name] : (await namesIn(join(folder, name), depth - 1))
          .map((below) => `${name}/${below}`),
      );
    }
  } catch {
    return []; // it is not there, or not for us
  }
  return names;
}
