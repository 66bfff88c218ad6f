/**
 * How people name a model of a hub.
 *
 * @module
 */
import { showJson } from "../io/show_json.ts";
import { MAIN_REVISION, type ModelId } from "./models_folder.ts";

/** The hub that is asked when none is named. */
export const DEFAULT_ENDPOINT = "https://huggingface.co";

/** A model and the hub that has it. */
export interface ModelReference extends ModelId {
  /** The hub's address, without a slash at its end. */
  readonly endpoint: string;
}

/** What is known besides what was typed. */
export interface ReferenceOptions {
  /**
   * The hub of ids that name none.
   *
   * @default {"https://huggingface.co"}
   */
  readonly endpoint?: string;
  /** The revision, if the id names none. */
  readonly revision?: string;
}

/** Names of owners and models: no dot or dash at the ends, no path. */
const NAME = /^[A-Za-z0-9_](?:[\w.-]{0,94}[\w-])?$/;
const WANTED =
  "wanted owner/name, owner/name@revision, or the address of a model's page";

/**
 * Reads the name of a model: `owner/name`, `owner/name@revision`, or the address
 * of its page, such as `https://huggingface.co/owner/name/tree/revision`.
 *
 * @param text What was typed.
 * @param options The hub and the revision where the text names none.
 * @returns The model. Its owner and name are safe parts of a path.
 * @throws {SyntaxError} If it names no model, or two revisions.
 */
export function parseModelReference(
  text: string,
  { endpoint = DEFAULT_ENDPOINT, revision }: ReferenceOptions = {},
): ModelReference {
  const refuse = (state: string, wanted = WANTED): never => {
    throw new SyntaxError(
      `Cannot take ${showJson(text)} for a model: ${state}, ${wanted}`,
    );
  };
  const hub = parseEndpoint(endpoint);
  const found = splitReference(text.trim(), hub) ??
    refuse(
      /^[^/@]+$/.test(text.trim())
        ? "it has no owner"
        : "it is neither a name nor an address",
    );
  const { owner, name, tail } = found;
  if (!isName(owner) || !isName(name)) refuse("no hub has such names");
  if (tail.length > 0 && tail[0] !== "tree" || tail.length > 2) {
    refuse(
      "it is the address of something in a model",
      `wanted the model, ${owner}/${name}`,
    );
  }
  const named = found.revision ?? tail[1];
  if (revision !== undefined && named !== undefined && named !== revision) {
    refuse(
      `it names revision ${named}`,
      `wanted only one, not ${revision} too`,
    );
  }
  const chosen = revision ?? named ?? MAIN_REVISION;
  const isRevision = chosen.isWellFormed() && !/[\0-\x20\x7f]/.test(chosen);
  if (chosen === "" || !isRevision) {
    refuse("its revision is no name", "wanted a branch, a tag or a commit");
  }
  return { endpoint: found.endpoint, owner, name, revision: chosen };
}

/**
 * Checks the address of a hub.
 *
 * @param text The address; a path is part of it.
 * @returns It without slashes at its end.
 * @throws {SyntaxError} If it is none.
 */
export function parseEndpoint(text: string): string {
  const url = URL.parse(text.trim());
  // Whoever writes a password into an address would see it in messages.
  const isPlain = url !== null && /^https?:$/.test(url.protocol) &&
    url.username === "" && url.search === "" && url.hash === "";
  if (isPlain) return (url.origin + url.pathname).replace(/\/+$/, "");
  throw new SyntaxError(
    `Cannot take ${
      JSON.stringify(text.replace(/\/\/.*@/, "//…@"))
    } for a hub: it is no address, wanted one like ${DEFAULT_ENDPOINT}`,
  );
}

/** A reference taken apart; nothing is checked. */
interface Split {
  endpoint: string;
  owner: string;
  name: string;
  revision?: string;
  /** What comes after the name in an address. */
  tail: string[];
}

function splitReference(text: string, hub: string): Split | null {
  // As people copy it: without a scheme.
  const isHost = /^(www\.)?(huggingface\.co|hf\.co)\//.test(text);
  const isAddress = isHost || /^https?:\/\//i.test(text);
  if (!isAddress) {
    const match = /^([^/@]+)\/([^/@]+)(?:@(.*))?$/.exec(text);
    if (match === null) return null;
    const [, owner = "", name = "", revision] = match;
    return {
      ...{ endpoint: hub, owner, name, tail: [] },
      ...revision !== undefined && { revision },
    };
  }
  const url = URL.parse(isHost ? `https://${text}` : text);
  if (url === null) return null;
  const isOurs = `${url.origin}${url.pathname}`.startsWith(`${hub}/`);
  const origin = /^https?:\/\/(www\.huggingface\.co|hf\.co)$/.test(url.origin)
    ? DEFAULT_ENDPOINT
    : url.origin;
  const base = isOurs ? new URL(hub).pathname : "/";
  const path = url.pathname.slice(base.length).replace(/^\/+|\/+$/g, "");
  const parts = path.split("/").map(decode);
  const [owner = "", name = "", ...tail] = parts;
  return { endpoint: isOurs ? hub : origin, owner, name, tail };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return ""; // no name
  }
}

function isName(text: string): boolean {
  return NAME.test(text) && !text.includes("..") && !text.endsWith(".part");
}
