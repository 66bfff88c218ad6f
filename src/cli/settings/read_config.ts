import { fileError } from "../../io/file_error.ts";
import type { Command } from "../command.ts";
import { type ConfigFile, parseConfig } from "./config_file.ts";
import { configPlace, type SettingsEnvironment } from "./environment.ts";

/**
 * Reads the file of the configuration. It never asks for a permission.
 *
 * @param environment What says where it is.
 * @param commands All commands.
 * @returns What it says; `null` if there is none.
 * @throws {Error} If it cannot be read, or `MOENO_CONFIG` names one that is not
 * there.
 * @throws {UsageError} If it is wrong.
 */
export async function readConfig(
  environment: SettingsEnvironment,
  commands: readonly Command[],
): Promise<ConfigFile | null> {
  const { path, isNamed } = configPlace(environment);
  if (path === null) return null;
  const { state } = await Deno.permissions.query({ name: "read", path });
  if (state !== "granted" && !isNamed) return null;
  let text: string;
  try {
    if (state !== "granted") throw new Deno.errors.NotCapable();
    text = await Deno.readTextFile(path);
  } catch (error) {
    const isMissing = error instanceof Deno.errors.NotFound;
    if (isMissing && !isNamed) return null;
    const { message } = fileError(`read ${path}`, error);
    const hint = isNamed
      ? ", wanted the file that MOENO_CONFIG names; MOENO_CONFIG=off does without"
      : "";
    throw new Error(message + hint, { cause: error });
  }
  return parseConfig(text, path, commands);
}
