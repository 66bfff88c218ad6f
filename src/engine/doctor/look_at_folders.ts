/** Which folders there are, and whether there is room in them. */

import { dirname, join } from "@std/path";
import { freeByteLength } from "../../hub/free_space.ts";
import { modelsFolder } from "../../hub/models_folder.ts";
import { type Environment, homeFolder } from "../../io/home.ts";
import type { FolderFacts } from "./judge_host.ts";

/**
 * Looks at our folder and at that of the models. It makes neither: whether one
 * that is not there can be made is tried in the nearest folder above it.
 *
 * @param environment What says where they are.
 * @returns What was found.
 */
export async function lookAtFolders(
  environment: Environment,
): Promise<FolderFacts[]> {
  const home = homeFolder(environment);
  return [
    await lookAt("home", home),
    await lookAt("models", home === null ? null : modelsFolder(home)),
  ];
}

async function lookAt(
  purpose: string,
  path: string | null,
): Promise<FolderFacts> {
  if (path === null) {
    return {
      purpose,
      path,
      exists: false,
      failure: null,
      freeByteLength: null,
    };
  }
  const existing = await nearestFolder(path);
  return {
    purpose,
    path,
    exists: existing === path,
    failure: await tryToWrite(existing),
    freeByteLength: await freeByteLength(existing),
  };
}

/** The folder, or the first above it that is there. */
async function nearestFolder(path: string): Promise<string> {
  for (let at = path;; at = dirname(at)) {
    if (await exists(at) || dirname(at) === at) return at;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}

/** Why no file can be written there; `null` if one can. */
async function tryToWrite(folder: string): Promise<string | null> {
  const path = join(folder, `.moeno-doctor-${Deno.pid}`);
  try {
    await Deno.writeTextFile(path, "");
    await Deno.remove(path);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
