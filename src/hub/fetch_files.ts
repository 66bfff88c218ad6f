/**
 * Several files from a hub, in pieces side by side, each checked at its end.
 *
 * @module
 */
import { join } from "@std/path";
import { fileError } from "../io/file_error.ts";
import { forEachParallel } from "../io/for_each_parallel.ts";
import { type ByteRange, cutRanges, missingRanges } from "./byte_ranges.ts";
import { checkContent, contentName } from "./content_hash.ts";
import {
  fetchPiece,
  type FileOnItsWay,
  type PieceOptions,
} from "./fetch_piece.ts";
import type { HubFile } from "./models_folder.ts";

/** Small enough to end soon, large enough not to ask all the time. */
const MIN_PIECE_BYTE_LENGTH = 1 << 20;
const MAX_PIECE_BYTE_LENGTH = 1 << 26;

/** Of a file, however long the hub says it is: each takes memory here. */
const MAX_PIECE_COUNT = 1 << 14;

/** How to fetch. */
export interface FetchFilesOptions extends Omit<PieceOptions, "onBytes"> {
  /** The commit that the files are of. */
  readonly commit: string | null;
  /** Finds the address of a file at the hub. */
  readonly urlOf: (file: HubFile) => string;
  /** The most pieces at the same time. */
  readonly connectionCount: number;
  /** Told of each write, with its bytes. */
  readonly onBytes: (file: HubFile, byteLength: number) => void;
  /** Told when all of a file is there and is read once more. */
  readonly onCheck: (file: HubFile) => void;
  /** Told when a file is right. */
  readonly onDone: (file: HubFile) => void;
  /** Told when the content of a file was wrong, and it begins again. */
  readonly onWrong: (file: HubFile, reason: string) => void;
}

/**
 * Fetches what is missing of some files, and checks them.
 *
 * @param files The files. Something is known of each.
 * @param options How to fetch.
 * @throws {Error} If one cannot be had, or its content is wrong twice.
 */
export async function fetchFiles(
  files: readonly HubFile[],
  options: FetchFilesOptions,
): Promise<void> {
  const { state, connectionCount } = options;
  const controller = new AbortController();
  const signal = AbortSignal.any([options.retry.signal, controller.signal]);
  const stoppable = { ...options, retry: { ...options.retry, signal } };
  const wrongCounts = new Map<HubFile, number>();
  let failure: unknown;
  const isOpen = ({ path }: HubFile) => !state.get(path)!.isVerified;
  for (let open = files; open.length > 0; open = open.filter(isOpen)) {
    const targets = open.filter(isOpen).map((file) =>
      targetOf(file, stoppable)
    );
    const left = new Map(targets.map((it) => [it, it.pieces.length]));
    await forEachParallel(piecesOf(targets), {
      limit: connectionCount,
      async run([target, piece]) {
        try {
          await fetchPiece(target, piece, {
            ...stoppable,
            onBytes: (byteLength) => options.onBytes(target.file, byteLength),
          });
          left.set(target, left.get(target)! - 1);
          if (left.get(target) === 0) {
            await check(target.file, { ...stoppable, wrongCounts });
          }
        } catch (error) {
          failure ??= error;
          controller.abort(error); // the others would go on for long
          throw error;
        }
      },
    }).catch((error) => {
      throw failure ?? error;
    });
  }
}

function targetOf(
  file: HubFile,
  { state, urlOf, connectionCount }: FetchFilesOptions,
): FileOnItsWay {
  const { ranges } = state.get(file.path)!;
  const missing = missingRanges(ranges, file.byteLength);
  const pieces = [
    ...cutRanges(missing, pieceByteLength(file.byteLength, connectionCount)),
  ];
  return {
    file,
    url: urlOf(file),
    // If nothing is missing it is still to be checked.
    pieces: pieces.length === 0 ? [[0, 0]] : pieces,
    answered: Promise.withResolvers<void>(),
    isWhole: false,
  };
}

/**
 * How large the pieces of a file are.
 *
 * @param byteLength Bytes of the file.
 * @param connectionCount The most pieces at the same time.
 * @returns Bytes of a piece.
 */
export function pieceByteLength(
  byteLength: number,
  connectionCount: number,
): number {
  const share = Math.ceil(byteLength / connectionCount);
  const wanted = Math.max(MIN_PIECE_BYTE_LENGTH, share);
  return Math.max(
    Math.min(MAX_PIECE_BYTE_LENGTH, wanted),
    Math.ceil(byteLength / MAX_PIECE_COUNT),
  );
}

function* piecesOf(
  targets: readonly FileOnItsWay[],
): Generator<[FileOnItsWay, ByteRange]> {
  for (const target of targets) {
    for (const piece of target.pieces) yield [target, piece];
  }
}

/** Marks a file as right, or throws its content away. */
async function check(
  file: HubFile,
  options: FetchFilesOptions & { wrongCounts: Map<HubFile, number> },
): Promise<void> {
  const { directory, state, commit, wrongCounts } = options;
  const path = join(directory, file.path);
  options.onCheck(file);
  const content = contentName(file, commit);
  const result = await checkContent(path, file, options.retry);
  if (result.isRight) {
    const ranges: ByteRange[] = file.byteLength === 0
      ? []
      : [[0, file.byteLength]];
    state.set(file.path, { content, ranges, isVerified: true });
    options.onDone(file);
    return;
  }
  // Away with the file, too: it may be one with that of an earlier version.
  await Deno.remove(path).catch((error) => {
    throw fileError(`remove ${path}`, error);
  });
  state.set(file.path, { content, ranges: [], isVerified: false });
  const { kind, found, wanted } = result;
  const reason = `its ${kind} is ${found}, wanted ${wanted}`;
  wrongCounts.set(file, (wrongCounts.get(file) ?? 0) + 1);
  if (wrongCounts.get(file) === 2) {
    throw new Error(
      `Cannot fetch ${file.path}: ${reason} as the hub says; it came twice like this, try again later or from another --endpoint`,
    );
  }
  options.onWrong(file, reason);
}
