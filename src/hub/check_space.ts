/**
 * Whether what is fetched has room on the disk.
 *
 * @module
 */
import { formatByteLength } from "../io/byte_length.ts";
import { rangesByteLength } from "./byte_ranges.ts";
import type { HubFile } from "./models_folder.ts";
import type { PullState } from "./pull_state.ts";

/** What is to be written, and where. */
export interface CheckSpaceOptions {
  /** The model, as people call it. */
  readonly id: string;
  /** Where the files are put. */
  readonly directory: string;
  /** What is there. */
  readonly state: PullState;
  /** Asks how many bytes may be written below a path; `null`: unknown. */
  readonly freeByteLength: (path: string) => Promise<number | null>;
}

/**
 * Checks that the missing bytes of some files have room.
 *
 * @param files The files.
 * @param options Where.
 * @throws {Error} If they have not.
 */
export async function checkSpace(
  files: readonly HubFile[],
  { id, directory, state, freeByteLength }: CheckSpaceOptions,
): Promise<void> {
  const missing = files.reduce(
    (sum, { path, byteLength }) =>
      sum + byteLength - rangesByteLength(state.get(path)!.ranges),
    0,
  );
  const free = await freeByteLength(directory);
  if (free === null || missing <= free) return;
  throw new Error(
    `Cannot pull ${id}: ${formatByteLength(missing)} are to be fetched and ${
      formatByteLength(free)
    } are free at ${directory}, wanted ${
      formatByteLength(missing - free)
    } more, or MOENO_HOME on another disk`,
  );
}
