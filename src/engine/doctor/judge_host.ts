/** What memory, processors and folders mean. */

import { formatByteLength } from "../../io/byte_length.ts";
import { counted } from "../../io/counted.ts";
import { type Finding, note, ok } from "./check.ts";

/** The host's memory. */
export interface MemoryFacts {
  /** Bytes of memory. */
  readonly totalByteLength: number;
  /** Bytes that programs could take now. */
  readonly availableByteLength: number;
  /** Whether the GPU can read host memory; `null` without a GPU. */
  readonly canPin: boolean | null;
}

/** All experts of Mixtral-8x7B with 2 bits a weight, as they lie in memory. */
const EXPERTS_BYTE_LENGTH = 16 * 2 ** 30;

/** Whether the GPU can read it; it is the system that grants it, in the end. */
const PINNED: Readonly<Record<string, string>> = {
  true: "; how much of it can be pinned shows when a model is loaded",
  false: "; none of it can be pinned",
};

/**
 * Judges the memory of the host.
 *
 * @param facts The memory.
 * @returns What that means.
 */
export function judgeMemory(facts: MemoryFacts): Finding {
  const { totalByteLength, availableByteLength, canPin } = facts;
  const text = `${formatByteLength(availableByteLength)} of ${
    formatByteLength(totalByteLength)
  } available${canPin === null ? "" : PINNED[String(canPin)]}`;
  if (availableByteLength >= EXPERTS_BYTE_LENGTH) return ok(text);
  return note(
    `${text}; the experts of Mixtral-8x7B take ${
      formatByteLength(EXPERTS_BYTE_LENGTH)
    } with 2 bits`,
    "--ram says how much experts may take, the rest stays on disk",
  );
}

/**
 * Judges the processors.
 *
 * @param coreCount Logical processors.
 * @returns What that means.
 */
export function judgeCores(coreCount: number): Finding {
  const text = counted(coreCount, "logical core");
  return coreCount >= 2
    ? ok(text)
    : note(`${text}: quantizing and loading take long`);
}

/** A folder that is used. */
export interface FolderFacts {
  /** What it is for. */
  readonly purpose: string;
  /** Where it is; `null` if the system does not say. */
  readonly path: string | null;
  /** Whether it is there. */
  readonly exists: boolean;
  /** Why it cannot be written; `null` if it can. */
  readonly failure: string | null;
  /** Bytes that are free on its disk; `null` if that is not known. */
  readonly freeByteLength: number | null;
}

/** Mixtral-8x7B as mixtral-offloading published it takes 18.2 GB. */
const ROOM_BYTE_LENGTH = 20e9;

/**
 * Judges the folders.
 *
 * @param folders The folders.
 * @returns What each means.
 */
export function judgeFolders(folders: readonly FolderFacts[]): Finding[] {
  return folders.map(judgeFolder);
}

function judgeFolder(folder: FolderFacts): Finding {
  const { purpose, path, exists, failure, freeByteLength } = folder;
  if (path === null) {
    return note(
      `${purpose}: the system does not say where caches are`,
      "set MOENO_HOME to a folder",
    );
  }
  const text = `${purpose} ${path}${exists ? "" : " (not there yet)"}`;
  if (failure !== null) {
    return note(
      `${text}: it cannot be written (${failure})`,
      "set MOENO_HOME to a folder of your own",
    );
  }
  if (freeByteLength === null) return ok(text);
  const free = `${text}, ${formatByteLength(freeByteLength)} free`;
  return freeByteLength >= ROOM_BYTE_LENGTH ? ok(free) : note(
    `${free}: too little for Mixtral-8x7B`,
    "set MOENO_HOME to a folder on a larger disk",
  );
}
