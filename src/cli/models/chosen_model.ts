import { dirname } from "@std/path";
import { findModel } from "../../hub/find_model.ts";
import type { ModelPlaces } from "../../hub/local_models.ts";
import { modelsFolder } from "../../hub/models_folder.ts";
import {
  type Environment,
  homeFolder,
  PROCESS_ENVIRONMENT,
} from "../../io/home.ts";
import { defaultModel } from "../open_engine.ts";

/**
 * Finds the directory of the model that was named.
 *
 * @param name A path or a name, as typed; the bundled model without one.
 * @returns The directory.
 * @throws {Error} If there is no such model.
 */
export async function chosenModel(name: string | undefined): Promise<string> {
  if (name === undefined) return defaultModel();
  const places = modelPlaces();
  try {
    return await findModel(name, places);
  } catch (error) {
    await checkVisible(places);
    throw error;
  }
}

/**
 * Checks that fetched models may be looked for: what Deno hides would look like a
 * folder without any.
 *
 * @param places Where models with names are.
 * @throws {Error} If Deno has no permission.
 */
export async function checkVisible({ home }: ModelPlaces): Promise<void> {
  if (home === null) return;
  const path = modelsFolder(home);
  const { state } = await Deno.permissions.query({ name: "read", path });
  if (state === "granted") return;
  throw new Error(
    `Cannot look for models in ${path}: Deno has no permission, run it with --allow-read=${home}`,
  );
}

/**
 * Where models with names are.
 *
 * @param environment What says where our folder is.
 * @returns Our folder, and that of the bundled models.
 */
export function modelPlaces(
  environment: Environment = PROCESS_ENVIRONMENT,
): ModelPlaces {
  return { home: homeFolder(environment), bundled: bundledFolder() };
}

/** The folder of the bundled models, if the program runs from one. */
function bundledFolder(): string | null {
  try {
    return dirname(defaultModel());
  } catch {
    return null;
  }
}
