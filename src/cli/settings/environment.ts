import { join } from "@std/path";
import { type Environment, PROCESS_ENVIRONMENT } from "../../io/home.ts";

/** What a machine says of settings. */
export interface SettingsEnvironment extends Environment {
  /** Names of all variables; none where they may not be seen. */
  readonly names: () => readonly string[];
}

/** This process. It never asks for a permission. */
export const PROCESS_SETTINGS: SettingsEnvironment = {
  ...PROCESS_ENVIRONMENT,
  names() {
    const { state } = Deno.permissions.querySync({ name: "env" });
    return state === "granted" ? Object.keys(Deno.env.toObject()) : [];
  },
};

/** Where the configuration lies. */
export interface ConfigPlace {
  /** The file; `null` if none is to be read. */
  readonly path: string | null;
  /** Whether `MOENO_CONFIG` names it, so that it has to be there. */
  readonly isNamed: boolean;
}

/**
 * Finds the file of the configuration: `MOENO_CONFIG` (empty or `off`: none),
 * else `config.json` where the system keeps settings. It looks at nothing.
 *
 * @param environment The system and its variables.
 * @returns The place.
 */
export function configPlace({ os, variable }: Environment): ConfigPlace {
  const named = variable("MOENO_CONFIG");
  if (named === "" || named === "off") return { path: null, isNamed: true };
  if (named !== undefined) return { path: named, isNamed: true };
  const below = (name: string, ...parts: string[]) => {
    const folder = variable(name) || null; // an empty variable counts as none
    return folder && join(folder, ...parts, "moeno", "config.json");
  };
  const path = os === "windows"
    ? below("APPDATA")
    : os === "darwin"
    ? below("HOME", "Library", "Application Support")
    : below("XDG_CONFIG_HOME") ?? below("HOME", ".config");
  return { path, isNamed: false };
}

/**
 * Finds the file of the configuration for whoever needs one.
 *
 * @param environment What says where it is.
 * @returns Its path.
 * @throws {Error} If there is to be none.
 */
export function neededPath(environment: SettingsEnvironment): string {
  const { path, isNamed } = configPlace(environment);
  if (path !== null) return path;
  throw new Error(
    isNamed
      ? "Cannot name the file of the configuration: MOENO_CONFIG is off, wanted a path"
      : "Cannot name the file of the configuration: the system does not say where settings are, wanted the variable MOENO_CONFIG",
  );
}
