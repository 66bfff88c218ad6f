/**
 * What a pull is told, and what it tells.
 *
 * @module
 */
import type { HubFile, PulledModel } from "./models_folder.ts";
import type { RetryNotice } from "./retry.ts";
import type { SelectOptions } from "./select_files.ts";

/** Options for {@linkcode pull}. */
export interface PullOptions extends SelectOptions {
  /**
   * The hub's address.
   *
   * @default {undefined} `HF_ENDPOINT`, else `https://huggingface.co`
   */
  readonly endpoint?: string;
  /**
   * A branch, a tag or a commit.
   *
   * @default {"main"}
   */
  readonly revision?: string;
  /**
   * The token of an account, for models that are private or have terms. `null`
   * is none. It is shown to the hub only, and only if that is `endpoint` or the
   * default, not if the address of a model names another; and never over http,
   * except to this machine.
   *
   * @default {undefined} `HF_TOKEN`, else the file of Hugging Face's programs
   */
  readonly token?: string | null;
  /**
   * The folder whose `models` it is put below.
   *
   * @default {undefined} `MOENO_HOME`, else one below the user's caches
   */
  readonly home?: string;
  /**
   * The most requests at the same time.
   *
   * @default {8}
   */
  readonly connectionCount?: number;
  /**
   * Whether to fetch everything, also what is here.
   *
   * @default {false}
   */
  readonly force?: boolean;
  /**
   * Whether to stop when all is known that would be fetched.
   *
   * @default {false}
   */
  readonly isDryRun?: boolean;
  /**
   * Judges the `config.json` of the model, before anything large is fetched.
   * What it throws ends the pull.
   */
  readonly checkConfig?: (config: unknown) => void;
  /** Told what will be fetched. */
  readonly onPlan?: (plan: PullPlan) => void;
  /** Told how far it is, several times a second. */
  readonly onProgress?: (progress: PullProgress) => void;
  /** Told of each file that is whole and right. */
  readonly onFile?: (file: HubFile) => void;
  /** Told when something failed that will be tried again. */
  readonly onRetry?: (notice: RetryNotice) => void;
  /** Stops it; what is there stays, and the next pull goes on from it. */
  readonly signal?: AbortSignal;
}

/** What a pull will do. */
export interface PullPlan {
  /** Where the model will lie. */
  readonly directory: string;
  /** The commit that the revision names; `null` if the hub does not say. */
  readonly commit: string | null;
  /** The commit of what is here now; `null` if nothing is, or it is unknown. */
  readonly earlierCommit: string | null;
  /** The files of the model. */
  readonly files: readonly HubFile[];
  /** Files of the repository that are not fetched. */
  readonly skipped: readonly HubFile[];
  /** Bytes of the files. */
  readonly byteLength: number;
  /** Whether all of it is here. */
  readonly isHere: boolean;
}

/** How far a pull is. */
export interface PullProgress {
  /** Bytes that are here, of all files. */
  readonly doneByteLength: number;
  /** Bytes of all files. */
  readonly totalByteLength: number;
  /** Bytes that came in this run. */
  readonly receivedByteLength: number;
  /** Files that are whole and right. */
  readonly doneFileCount: number;
  /** Files in all. */
  readonly fileCount: number;
  /** Files that are being fetched or checked. */
  readonly inWork: readonly FileProgress[];
}

/** How far a file is. */
export interface FileProgress {
  /** Its path below the model's directory. */
  readonly path: string;
  /** Bytes that are here. */
  readonly doneByteLength: number;
  /** Bytes of the file. */
  readonly byteLength: number;
  /** Whether all is here, and its hash is being computed. */
  readonly isChecking: boolean;
}

/** What came of a pull. */
export interface PullResult {
  /** Where the model lies; `load()` takes it. */
  readonly directory: string;
  /**
   * It was fetched; or an earlier version was replaced; or it was here; or it was
   * a dry run.
   */
  readonly outcome: "pulled" | "updated" | "unchanged" | "dry run";
  /** Where it is from, as its directory says, too. */
  readonly source: PulledModel;
  /** Bytes of its files. */
  readonly byteLength: number;
  /** Bytes that came in this run. */
  readonly receivedByteLength: number;
  /** Paths of the repository that were not fetched. */
  readonly skipped: readonly string[];
  /** Milliseconds that it took. */
  readonly timeMs: number;
}
