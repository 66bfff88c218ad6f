/**
 * Files that appear under their name when they are whole.
 *
 * @module
 */
import { fileError } from "./file_error.ts";

/** Bytes handed to the system at once. */
const CHUNK_BYTE_LENGTH = 1 << 24;

/** How names of files end that are not whole yet. */
export const PART_SUFFIX = ".part";

/** Options for {@linkcode writeWhole}. */
export interface WriteWholeOptions {
  /**
   * Whether only its owner may read the file, as what was said or a key.
   *
   * @default {false}
   */
  readonly isPrivate?: boolean;
}

/**
 * Writes a file that nobody ever sees a part of: until it is whole and on the
 * disk it is called `<path>.<random>.part`.
 *
 * @param path The file to make or to replace.
 * @param write Writes the content.
 * @param options Who may read it.
 * @throws {Error} If it cannot be written, or what `write` throws.
 */
export async function writeWhole(
  path: string,
  write: (file: Deno.FsFile) => Promise<void>,
  { isPrivate = false }: WriteWholeOptions = {},
): Promise<void> {
  const partPath = `${path}.${crypto.randomUUID()}${PART_SUFFIX}`;
  try {
    {
      using file = await Deno.open(partPath, {
        write: true,
        createNew: true,
        ...isPrivate && { mode: 0o600 },
      });
      await write(file);
      await file.syncData(); // before the name: a crash must not leave a hole
    }
    await Deno.rename(partPath, path);
  } catch (error) {
    await Deno.remove(partPath).catch(() => {}); // the first error matters
    throw fileError(`write ${path}`, error);
  }
}

/**
 * Writes all bytes to a file, at its position.
 *
 * @param file The file.
 * @param bytes The bytes.
 */
export async function writeAll(
  file: Deno.FsFile,
  bytes: Uint8Array,
): Promise<void> {
  let offset = 0;
  while (offset < bytes.byteLength) {
    offset += await file.write(
      bytes.subarray(offset, offset + CHUNK_BYTE_LENGTH),
    );
  }
}
