/**
 * Where models that were fetched lie: `models/<owner>/<name>` below our folder,
 * or `models/<owner>/<name>@<revision>`, each with a file that says where it
 * came from.
 *
 * @module
 */
import { join } from "@std/path";

/** The revision that a hub shows when none is named. */
export const MAIN_REVISION = "main";

/** In the directory of a model that was fetched: {@linkcode PulledModel}. */
export const SOURCE_FILE = "moeno-source.json";

/** A model as a hub names it. */
export interface ModelId {
  /** Who published it. */
  readonly owner: string;
  /** What it is called. */
  readonly name: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
}

/** A file of a model, as its hub describes it. */
export interface HubFile {
  /** Its path below the model's directory, with slashes. */
  readonly path: string;
  /** Its bytes. */
  readonly byteLength: number;
  /** SHA-256 of its content in hexadecimal, where the hub says it. */
  readonly sha256: string | null;
  /**
   * SHA-1 of its content as a git blob, in hexadecimal; `null` if the hub does
   * not say it, or says it of a pointer to the content.
   */
  readonly gitSha1: string | null;
}

/** Where a model came from: the content of its {@linkcode SOURCE_FILE}. */
export interface PulledModel extends ModelId {
  /** The hub, for example `https://huggingface.co`. */
  readonly endpoint: string;
  /** The commit that the revision named; `null` if the hub did not say. */
  readonly commit: string | null;
  /** When it was whole, by ISO 8601. */
  readonly pulledAt: string;
  /** What was fetched. */
  readonly files: readonly HubFile[];
}

/**
 * Writes a model as people type it.
 *
 * @param id The model.
 * @returns `owner/name`, or `owner/name@revision`.
 */
export function modelName({ owner, name, revision }: ModelId): string {
  const suffix = revision === MAIN_REVISION ? "" : `@${revision}`;
  return `${owner}/${name}${suffix}`;
}

/**
 * Finds the folder of all models.
 *
 * @param home Our folder.
 * @returns The path; there may be nothing yet.
 */
export function modelsFolder(home: string): string {
  return join(home, "models");
}

/**
 * Finds where a model lies or is to lie.
 *
 * @param home Our folder.
 * @param id The model, whose owner and name are checked already: neither can
 * leave the folder.
 * @returns The path of its directory.
 */
export function modelDirectory(home: string, id: ModelId): string {
  const { owner, name, revision } = id;
  // A revision such as refs/pr/1 is not to become a path.
  const suffix = revision === MAIN_REVISION
    ? ""
    : `@${encodeURIComponent(revision)}`;
  return join(modelsFolder(home), owner, name + suffix);
}
