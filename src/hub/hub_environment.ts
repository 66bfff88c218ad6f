/**
 * What the environment says of hubs, by the variables of Hugging Face's own
 * programs.
 *
 * @module
 */
import { join } from "@std/path";
import { type Environment, PROCESS_ENVIRONMENT } from "../io/home.ts";
import { DEFAULT_ENDPOINT } from "./model_reference.ts";

/**
 * Finds the hub: `HF_ENDPOINT`, else Hugging Face.
 *
 * @param environment The variables, if not those of this process.
 * @returns Its address, unchecked.
 */
export function defaultEndpoint(
  { variable }: Environment = PROCESS_ENVIRONMENT,
): string {
  return variable("HF_ENDPOINT") || DEFAULT_ENDPOINT;
}

/**
 * Finds the token of the user's account: `HF_TOKEN`, else the file in which
 * `hf auth login` leaves it.
 *
 * @param environment The system and its variables, if not those of this process.
 * @param readText Reads a file; `null` if there is none.
 * @returns The token, or `null`.
 */
export function findToken(
  environment: Environment = PROCESS_ENVIRONMENT,
  readText: (path: string) => string | null = readTextIfAllowed,
): string | null {
  const { variable } = environment;
  const given = variable("HF_TOKEN") || variable("HUGGING_FACE_HUB_TOKEN");
  const path = given ? null : tokenPath(environment);
  const token = given || (path === null ? null : readText(path));
  return token?.trim() || null;
}

function tokenPath({ os, variable }: Environment): string | null {
  const own = variable("HF_TOKEN_PATH");
  if (own) return own;
  const hub = variable("HF_HOME");
  if (hub) return join(hub, "token");
  const home = variable(os === "windows" ? "USERPROFILE" : "HOME");
  const caches = variable("XDG_CACHE_HOME") || home && join(home, ".cache");
  return caches ? join(caches, "huggingface", "token") : null;
}

/** Whatever is in the way, there is no token then; it never asks. */
function readTextIfAllowed(path: string): string | null {
  const { state } = Deno.permissions.querySync({ name: "read", path });
  if (state !== "granted") return null;
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return null;
  }
}
