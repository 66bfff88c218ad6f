/**
 * What the content of a file is known by.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { fileError } from "../io/file_error.ts";
import type { HubFile } from "./models_folder.ts";

/** Bytes that are read at once. */
const CHUNK_BYTE_LENGTH = 1 << 22;

/**
 * Names the content of a file: files of equal names are equal.
 *
 * @param file The file.
 * @param commit The commit that it is of; it counts where the hub says no hash.
 * @returns The name.
 */
export function contentName(file: HubFile, commit: string | null): string {
  if (file.sha256 !== null) return `sha256:${file.sha256}`;
  if (file.gitSha1 !== null) return `git:${file.gitSha1}`;
  return `size:${file.byteLength}@${commit}`;
}

/** How to compute a hash. */
export interface HashOptions {
  /**
   * `git-sha1` is the name that git gives to a blob: SHA-1 of `blob <length>`, a
   * zero byte and the content.
   */
  readonly algorithm: "sha256" | "git-sha1";
  /** Stops it. */
  readonly signal: AbortSignal;
  /** Told of each piece that was read, with its bytes. */
  readonly onBytes?: (byteLength: number) => void;
}

/** What {@linkcode checkContent} found. */
export interface ContentCheck {
  /** Whether it is what the hub says; `true` if it says nothing. */
  readonly isRight: boolean;
  /** The kind of hash. */
  readonly kind: "SHA-256" | "git SHA-1" | "no hash";
  /** What the file has, in hexadecimal. */
  readonly found: string;
  /** What the hub says. */
  readonly wanted: string;
}

/**
 * Reads a file, and compares its hash with what the hub says.
 *
 * @param path Where the file lies.
 * @param file What the hub says.
 * @param options As for {@linkcode hashFile}.
 * @returns Whether they are equal.
 * @throws {Error} If it cannot be read.
 */
export async function checkContent(
  path: string,
  { sha256, gitSha1 }: HubFile,
  options: Omit<HashOptions, "algorithm">,
): Promise<ContentCheck> {
  const wanted = sha256 ?? gitSha1;
  if (wanted === null) {
    return { isRight: true, kind: "no hash", found: "", wanted: "" };
  }
  const found = await hashFile(path, {
    ...options,
    algorithm: sha256 === null ? "git-sha1" : "sha256",
  });
  const kind = sha256 === null ? "git SHA-1" : "SHA-256";
  return { isRight: found === wanted, kind, found, wanted };
}

/**
 * Computes the hash of a file.
 *
 * @param path The file.
 * @param options How.
 * @returns The hash in hexadecimal.
 * @throws {Error} If it cannot be read.
 */
export async function hashFile(
  path: string,
  { algorithm, signal, onBytes }: HashOptions,
): Promise<string> {
  // WebCrypto wants a file as a whole.
  const hash = createHash(algorithm === "sha256" ? "sha256" : "sha1");
  try {
    using file = await Deno.open(path);
    if (algorithm === "git-sha1") {
      const { size } = await file.stat();
      hash.update(`blob ${size}\0`);
    }
    const buffer = new Uint8Array(CHUNK_BYTE_LENGTH);
    while (true) {
      signal.throwIfAborted();
      const count = await file.read(buffer);
      if (count === null) return hash.digest("hex");
      hash.update(buffer.subarray(0, count));
      onBytes?.(count);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw fileError(`read ${path}`, error);
  }
}
