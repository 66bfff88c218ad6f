import { findWholeNames } from "../../hub/local_models.ts";
import type { Environment } from "../../io/home.ts";
import { modelPlaces } from "../models/chosen_model.ts";

/**
 * Lists models by their names: those that come with the program, and those that
 * were fetched. It only looks at folders, and leaves out what it cannot read.
 *
 * @param environment What says where models are.
 * @returns The names, such as `stories-17m` and `owner/name`, in order.
 */
export async function modelNames(environment: Environment): Promise<string[]> {
  const names = await findWholeNames(modelPlaces(environment));
  // Shells get these names: nothing that means anything to them.
  return names
    .filter((name) => /^[\w@%+.,/-]+$/.test(name) && !name.startsWith("-"))
    .sort();
}
