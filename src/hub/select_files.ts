/**
 * Which files of a repository are fetched.
 *
 * @module
 */
import { globToRegExp } from "@std/path";
import type { HubFile } from "./models_folder.ts";

/** What changes the choice. */
export interface SelectOptions {
  /** Globs of files to fetch besides those that a model needs. */
  readonly include?: readonly string[];
  /** Globs of files to leave out, whatever else says. */
  readonly exclude?: readonly string[];
}

/** The files of a repository, in two heaps. */
export interface Selection<File> {
  /** To be fetched. */
  readonly chosen: readonly File[];
  /** Not to be fetched. */
  readonly skipped: readonly File[];
}

/** What `load()` reads, and what says on which terms; all in the root. */
const WANTED = [
  "*.safetensors",
  "*.json",
  "*.jinja",
  "tokenizer.model",
  "merges.txt",
  "LICENSE*",
  "NOTICE*",
];

/**
 * The weights once more, by names that `load()` does not know; and descriptions
 * of weights in other formats.
 */
const UNWANTED = ["consolidated*", "pytorch_model*", "*.bin.index.json"];

/**
 * Chooses the files that a model needs: weights as safetensors, configuration,
 * tokenizer, templates and licence, from the root of the repository. Weights in
 * other formats, images and what lies in folders stay where they are.
 *
 * @param files All files.
 * @param options Globs; one without a slash is about the name of a file in any
 * folder.
 * @returns What is fetched, and what is not, both in the given order.
 */
export function selectFiles<File extends Pick<HubFile, "path">>(
  files: readonly File[],
  { include = [], exclude = [] }: SelectOptions = {},
): Selection<File> {
  const isWanted = matcher(WANTED.map(inRoot));
  const isUnwanted = matcher(UNWANTED.map(inRoot));
  const isIncluded = matcher(include);
  const isExcluded = matcher(exclude);
  const isChosen = ({ path }: File) =>
    !isExcluded(path) &&
    (isIncluded(path) || isWanted(path) && !isUnwanted(path));
  return {
    chosen: files.filter(isChosen),
    skipped: files.filter((file) => !isChosen(file)),
  };
}

/** A slash makes a glob one about the whole path. */
function inRoot(glob: string): string {
  return `./${glob}`;
}

function matcher(globs: readonly string[]): (path: string) => boolean {
  const tests = globs.map((glob) => {
    const regExp = globToRegExp(glob.replace(/^\.?\//, ""));
    const isAboutName = !glob.includes("/");
    return (path: string) =>
      regExp.test(isAboutName ? path.replace(/^.*\//, "") : path);
  });
  return (path) => tests.some((test) => test(path));
}
