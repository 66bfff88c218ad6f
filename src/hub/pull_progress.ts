/**
 * Counts how far a pull is.
 *
 * @module
 */
import { rangesByteLength } from "./byte_ranges.ts";
import type { HubFile } from "./models_folder.ts";
import type { PullOptions, PullProgress } from "./pull_options.ts";
import type { PullState } from "./pull_state.ts";

/** Reports are this far from each other, at least. */
const REPORT_MS = 100;

/** Counts bytes and files, and tells of them now and then. */
export class ProgressCount {
  /** Bytes that came in this run. */
  receivedByteLength = 0;
  readonly #files: readonly HubFile[];
  readonly #state: PullState;
  readonly #onProgress: PullOptions["onProgress"];
  readonly #onFile: PullOptions["onFile"];
  /** Files in work, and whether they are being checked. */
  readonly #inWork = new Map<HubFile, boolean>();
  #reportedMs = -Infinity;

  /**
   * Begins to count.
   *
   * @param files All files.
   * @param options What is here, and who is told.
   */
  constructor(
    files: readonly HubFile[],
    { state, onProgress, onFile }:
      & { state: PullState }
      & Pick<PullOptions, "onProgress" | "onFile">,
  ) {
    this.#files = files;
    this.#state = state;
    this.#onProgress = onProgress;
    this.#onFile = onFile;
    this.#report();
  }

  /** Bytes of a file came. */
  readonly received = (file: HubFile, byteLength: number): void => {
    this.receivedByteLength += byteLength;
    this.#inWork.set(file, false);
    if (performance.now() - this.#reportedMs >= REPORT_MS) this.#report();
  };

  /** All of a file is there. */
  readonly checking = (file: HubFile): void => {
    this.#inWork.set(file, true);
    this.#report();
  };

  /** A file is right. */
  readonly done = (file: HubFile): void => {
    this.#inWork.delete(file);
    this.#onFile?.(file);
    this.#report();
  };

  #report(): void {
    this.#reportedMs = performance.now();
    this.#onProgress?.(this.#progress());
  }

  #progress(): PullProgress {
    const doneOf = ({ path }: HubFile) =>
      rangesByteLength(this.#state.get(path)!.ranges);
    const sum = (values: readonly number[]) =>
      values.reduce((total, value) => total + value, 0);
    return {
      doneByteLength: sum(this.#files.map(doneOf)),
      totalByteLength: sum(this.#files.map(({ byteLength }) => byteLength)),
      receivedByteLength: this.receivedByteLength,
      doneFileCount:
        this.#files.filter(({ path }) => this.#state.get(path)!.isVerified)
          .length,
      fileCount: this.#files.length,
      inWork: [...this.#inWork].map(([file, isChecking]) => ({
        path: file.path,
        doneByteLength: doneOf(file),
        byteLength: file.byteLength,
        isChecking,
      })),
    };
  }
}
