/**
 * What a hub says is in a model.
 *
 * @module
 */
import type { HubClient } from "./hub_client.ts";
import type { HubFile } from "./models_folder.ts";
import type { ModelReference } from "./model_reference.ts";

/** A model at one moment. */
export interface HubListing {
  /** The commit; `null` if the hub does not say it. */
  readonly commit: string | null;
  /** All files. */
  readonly files: readonly HubFile[];
}

/** How to ask. */
export interface ListOptions {
  /** Stops it. */
  readonly signal: AbortSignal;
  /** Does a request until it goes well. */
  readonly retry: <T>(action: string, get: () => Promise<T>) => Promise<T>;
}

/** The most pages of a list. */
const MAX_PAGES = 1000;

/** The longest answers, all together: lists of a million files. */
const MAX_TEXT_BYTE_LENGTH = 1 << 28;

/**
 * Asks a hub for a model's commit and files.
 *
 * @param client The hub.
 * @param reference The model.
 * @param options How to ask.
 * @returns The files of one commit.
 * @throws {Error} If there is no such model, or the answer makes no sense.
 */
export async function listModel(
  client: HubClient,
  reference: ModelReference,
  { signal, retry }: ListOptions,
): Promise<HubListing> {
  const { endpoint, owner, name, revision } = reference;
  const action = `pull ${owner}/${name}`;
  const api = `${endpoint}/api/models/${owner}/${name}`;
  const room = { byteLength: MAX_TEXT_BYTE_LENGTH };
  const get = (url: string) =>
    retry(
      action,
      () =>
        client.get(url, { action, signal }, async (response, chunks) => ({
          json: parseJson(await readText(chunks, room, action), action),
          next: nextPage(response.headers.get("link"), url),
        })),
    );
  const info = await get(
    `${api}/revision/${encodeURIComponent(revision)}?blobs=true`,
  );
  const listing = parseInfo(info.json);
  if (listing === null) throw unknownAnswer(action);
  if (listing.files !== null) {
    return { commit: listing.commit, files: listing.files };
  }
  // Not every hub knows ?blobs.
  const at = encodeURIComponent(listing.commit ?? revision);
  const files: HubFile[] = [];
  let url: string | null = `${api}/tree/${at}?recursive=true`;
  for (let page = 0; url !== null && page < MAX_PAGES; page++) {
    const { json, next }: { json: unknown; next: string | null } = await get(
      url,
    );
    const listed = parseTree(json);
    if (listed === null) throw unknownAnswer(action);
    for (const file of listed) files.push(file); // there may be a million
    url = next;
  }
  return { commit: listing.commit, files };
}

/**
 * Reads the answer of `/api/models/<id>/revision/<revision>?blobs=true`.
 *
 * @param json The answer.
 * @returns The commit and the files; these are `null` if it does not say how
 * large they are; all of it is if it is something else.
 */
export function parseInfo(
  json: unknown,
): { commit: string | null; files: HubFile[] | null } | null {
  const { sha, siblings } = (json ?? {}) as Record<string, unknown>;
  if (!Array.isArray(siblings)) return null;
  const commit = hexadecimal(sha, 40);
  const files = siblings.map((sibling) => {
    const { rfilename, size, blobId, lfs } = sibling ?? {};
    return parseFile({ path: rfilename, size, oid: blobId, lfs });
  });
  return { commit, files: files.every((file) => file !== null) ? files : null };
}

/**
 * Reads a page of `/api/models/<id>/tree/<revision>?recursive=true`.
 *
 * @param json The answer.
 * @returns The files; `null` if it is something else.
 */
export function parseTree(json: unknown): HubFile[] | null {
  if (!Array.isArray(json)) return null;
  const files = json.filter((entry) => entry?.type === "file")
    .map(({ path, size, oid, lfs }) => parseFile({ path, size, oid, lfs }));
  return files.every((file) => file !== null) ? files : null;
}

function parseFile(
  { path, size, oid, lfs }: Record<string, unknown>,
): HubFile | null {
  const large = lfs as { sha256?: unknown; oid?: unknown; size?: unknown };
  const isLarge = typeof lfs === "object" && lfs !== null;
  const byteLength = isLarge ? large.size ?? size : size;
  if (typeof path !== "string") return null;
  if (!Number.isSafeInteger(byteLength) || byteLength as number < 0) {
    return null;
  }
  return {
    path,
    byteLength: byteLength as number,
    sha256: isLarge ? hexadecimal(large.sha256 ?? large.oid, 64) : null,
    gitSha1: isLarge ? null : hexadecimal(oid, 40),
  };
}

function hexadecimal(value: unknown, length: number): string | null {
  const isHash = typeof value === "string" && value.length === length &&
    /^[0-9a-f]+$/i.test(value);
  return isHash ? value.toLowerCase() : null;
}

/** The address after `rel="next"`, which has to be one of the same hub. */
function nextPage(link: string | null, from: string): string | null {
  const next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(link ?? "")?.[1];
  const url = next === undefined ? null : URL.parse(next, from);
  return url?.origin === new URL(from).origin ? url.href : null;
}

async function readText(
  chunks: AsyncIterable<Uint8Array>,
  room: { byteLength: number },
  action: string,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of chunks) {
    room.byteLength -= chunk.byteLength;
    if (room.byteLength < 0) throw unknownAnswer(action);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function parseJson(text: string, action: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unknownAnswer(action); // for example the page of a hotel's network
  }
}

function unknownAnswer(action: string): Error {
  return new Error(
    `Cannot ${action}: the answer is no list of files, wanted a hub like Hugging Face; is --endpoint right?`,
  );
}
