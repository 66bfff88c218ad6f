/**
 * Some bytes of a file, from a hub to the disk.
 *
 * @module
 */
import { dirname, join } from "@std/path";
import { fileError } from "../io/file_error.ts";
import { writeAll } from "../io/write_whole.ts";
import type { ByteRange } from "./byte_ranges.ts";
import type { HubClient } from "./hub_client.ts";
import type { HubFile } from "./models_folder.ts";
import type { PullState } from "./pull_state.ts";
import { retrying, type RetryOptions } from "./retry.ts";
import { TransientError } from "./transient_error.ts";

/** A file on its way. */
export interface FileOnItsWay {
  /** The file. */
  readonly file: HubFile;
  /** Its address at the hub. */
  readonly url: string;
  /** Bytes that are to be fetched. */
  readonly pieces: readonly ByteRange[];
  /** Settled when its first piece is answered, or will never be. */
  readonly answered: PromiseWithResolvers<void>;
  /** The server sends it as a whole only; the first piece takes it all. */
  isWhole: boolean;
}

/** What pieces are fetched with. */
export interface PieceOptions {
  /** The hub. */
  readonly client: HubClient;
  /** Where files are written. */
  readonly directory: string;
  /** What is there. */
  readonly state: PullState;
  /** Told of each write, with its bytes. */
  readonly onBytes: (byteLength: number) => void;
  /** How to try again. */
  readonly retry: Pick<RetryOptions, "signal" | "wait" | "onRetry">;
}

/**
 * Fetches a piece of a file, trying again as long as bytes come.
 *
 * @param target The file.
 * @param piece The bytes.
 * @param options What it is fetched with.
 * @throws {Error} If it cannot be had, or not be written.
 */
export async function fetchPiece(
  target: FileOnItsWay,
  piece: ByteRange,
  options: PieceOptions,
): Promise<void> {
  const { file, answered } = target;
  if (piece[0] === piece[1]) return;
  const isFirst = piece === target.pieces[0];
  if (!isFirst) {
    // Whether the server can send a part of it the first piece finds out.
    await answered.promise;
    if (target.isWhole) return;
  }
  const { signal } = options.retry;
  const position = { at: piece[0], end: piece[1] };
  const action = `fetch ${file.path}`;
  const attempt = async () => {
    const { at, end } = position;
    const isRanged = at > 0 || end < file.byteLength;
    const headers = {
      "accept-encoding": "identity", // a length is to be one of the file
      ...isRanged && { range: `bytes=${at}-${end - 1}` },
    };
    await options.client.get(
      target.url,
      { action, headers, signal },
      async (response, chunks) => {
        const from = bodyStart(response, { at, byteLength: file.byteLength });
        if (response.status === 200 && isFirst) {
          target.isWhole = true;
          position.end = file.byteLength;
        }
        answered.resolve();
        await writeChunks(chunks, { ...options, file, from, position });
        const left = position.end - position.at;
        if (left === 0) return;
        const { host } = new URL(response.url);
        throw new TransientError(`${host} stopped ${left} bytes early`);
      },
    );
  };
  try {
    await retrying(attempt, {
      ...options.retry,
      action,
      progress: () => position.at,
    });
  } finally {
    answered.resolve();
  }
}

/** Writes bytes where they belong, and says so. */
async function writeChunks(
  chunks: AsyncIterable<Uint8Array>,
  { file, from, position, directory, state, onBytes }: PieceOptions & {
    file: HubFile;
    /** Where in the file the chunks begin. */
    from: number;
    /** What is to be written; `at` moves on. */
    position: { at: number; end: number };
  },
): Promise<void> {
  const path = join(directory, file.path);
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    using output = await Deno.open(path, { write: true, create: true });
    await output.seek(position.at, Deno.SeekMode.Start);
    for await (const chunk of chunks) {
      const start = Math.max(0, position.at - from);
      const bytes = chunk.subarray(start, start + position.end - position.at);
      from += chunk.byteLength;
      if (bytes.byteLength === 0) continue; // a whole file, from its beginning
      await writeAll(output, bytes);
      const end = position.at + bytes.byteLength;
      state.wrote(file.path, [position.at, end]);
      position.at = end;
      onBytes(bytes.byteLength);
      if (end === position.end) return;
    }
  } catch (error) {
    if (error instanceof TransientError) throw error;
    throw fileError(`write ${path}`, error);
  }
}

/**
 * Checks that an answer is what was asked for.
 *
 * @param response The answer.
 * @param wanted Where the bytes that are wanted begin, and the file's length.
 * @returns Where its bytes begin in the file.
 * @throws {TransientError} If it is something else.
 */
export function bodyStart(
  response: Response,
  { at, byteLength }: { at: number; byteLength: number },
): number {
  const { status, headers, url } = response;
  const wrong = (what: string) =>
    new TransientError(`${URL.parse(url)?.host ?? "the hub"} sent ${what}`);
  const encoding = headers.get("content-encoding") ?? "identity";
  if (encoding !== "identity") throw wrong(`${encoding}, wanted plain bytes`);
  if (status === 200) {
    const length = headers.get("content-length");
    if (length === null || Number(length) === byteLength) return 0;
    throw wrong(`a file of ${length} bytes, wanted ${byteLength}`);
  }
  const range = headers.get("content-range") ?? "no range";
  const match = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(range);
  const [, start, total] = match ?? [];
  const isFit = status === 206 && Number(start) === at &&
    (total === "*" || Number(total) === byteLength);
  if (isFit) return at;
  throw wrong(
    `${status} with ${range}, wanted bytes from ${at} of ${byteLength}`,
  );
}
