/**
 * Where the program keeps what it has found out or fetched.
 *
 * @module
 */
import { join } from "@std/path";

/** What a machine says of itself. */
export interface Environment {
  /** The system, as `Deno.build.os` calls it. */
  readonly os: string;
  /** Reads an environment variable; `undefined` if there is none. */
  readonly variable: (name: string) => string | undefined;
}

/**
 * Finds the folder that is ours, by the custom of the system: `MOENO_HOME`, else
 * `moeno` below the caches of the user. It looks at nothing and makes nothing.
 *
 * @param environment The system and its variables, if not those of this process.
 * @returns The folder; `null` if the system does not say where its caches are.
 */
export function homeFolder(
  { os, variable }: Environment = PROCESS_ENVIRONMENT,
): string | null {
  // An empty variable counts as none, as the XDG specification wants it.
  const set = (name: string) => variable(name) || null;
  const below = (name: string, ...parts: string[]) => {
    const folder = set(name);
    return folder === null ? null : join(folder, ...parts);
  };
  const own = set("MOENO_HOME");
  if (own !== null) return own;
  if (os === "windows") return below("LOCALAPPDATA", "moeno");
  if (os === "darwin") return below("HOME", "Library", "Caches", "moeno");
  return below("XDG_CACHE_HOME", "moeno") ?? below("HOME", ".cache", "moeno");
}

/**
 * Reads an environment variable, if that is allowed. It never asks.
 *
 * @param name The variable.
 * @returns Its value; `undefined` if there is none or it may not be read.
 */
function readVariable(name: string): string | undefined {
  const variable = { name: "env", variable: name } as const;
  const { state } = Deno.permissions.querySync(variable);
  return state === "granted" ? Deno.env.get(name) : undefined;
}

/** The system that this process runs on, and the variables that it may read. */
export const PROCESS_ENVIRONMENT: Environment = {
  os: Deno.build.os,
  variable: readVariable,
};
