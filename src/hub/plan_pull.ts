/**
 * What a pull will do.
 *
 * @module
 */
import { join } from "@std/path";
import { fileError } from "../io/file_error.ts";
import { isUnfinished, PART_NAMES } from "../io/part_directory.ts";
import type { HubListing } from "./hub_listing.ts";
import { checkHubPaths } from "./hub_path.ts";
import type { ModelReference } from "./model_reference.ts";
import {
  type HubFile,
  modelDirectory,
  type PulledModel,
  SOURCE_FILE,
} from "./models_folder.ts";
import type { PullOptions, PullPlan } from "./pull_options.ts";
import { STATE_FILE } from "./pull_state.ts";
import { isWhole, readPulledModel } from "./pulled_model.ts";
import { selectFiles } from "./select_files.ts";

/** Names in the directory of a pull that are not files of the model. */
export const RESERVED = [...PART_NAMES, STATE_FILE, SOURCE_FILE];

/** A plan, and what is here to begin with. */
export interface PlannedPull {
  /** The plan. */
  readonly plan: PullPlan;
  /** What is in the model's directory now, if it was pulled. */
  readonly earlier: PulledModel | null;
}

/**
 * Chooses the files of a model, and looks whether they are here.
 *
 * @param reference The model.
 * @param listing What the hub has.
 * @param options Our folder, and what was asked for.
 * @returns The plan.
 * @throws {Error} If it cannot be pulled, or not to where it is to lie.
 */
export async function planPull(
  reference: ModelReference,
  { commit, files }: HubListing,
  { home, include = [], exclude = [], force = false }:
    & Pick<PullOptions, "include" | "exclude" | "force">
    & { readonly home: string },
): Promise<PlannedPull> {
  const { owner, name } = reference;
  const { chosen, skipped } = selectFiles(files, { include, exclude });
  checkHubPaths(chosen.map(({ path }) => path), RESERVED);
  const isDefault = include.length + exclude.length === 0;
  checkSelection(`${owner}/${name}`, { files, chosen, isDefault });
  const directory = modelDirectory(home, reference);
  const earlier = await readPulledModel(directory);
  if (earlier === null && !force) await refuseForeign(directory, reference);
  const isHere = !force && earlier !== null && earlier.commit === commit &&
    earlier.endpoint === reference.endpoint &&
    chosen.every((file) => isAmong(file, earlier)) &&
    await isWhole(directory, chosen) && !await isUnfinished(directory);
  const plan: PullPlan = {
    directory,
    commit,
    earlierCommit: earlier?.commit ?? null,
    files: inOrder(chosen),
    skipped,
    byteLength: chosen.reduce((sum, file) => sum + file.byteLength, 0),
    isHere,
  };
  return { plan, earlier };
}

/** What is small first: it says soon whether the rest is worth the time. */
function inOrder(files: readonly HubFile[]): HubFile[] {
  const isWeights = ({ path }: HubFile) => path.endsWith(".safetensors");
  return [
    ...files.filter((file) => !isWeights(file)),
    ...files.filter(isWeights),
  ];
}

function isAmong(file: HubFile, { files }: PulledModel): boolean {
  return files.some(({ path, byteLength, sha256 }) =>
    path === file.path && byteLength === file.byteLength &&
    sha256 === file.sha256
  );
}

/** Rather now than after the last byte. */
function checkSelection(
  id: string,
  { files, chosen, isDefault }: {
    files: readonly HubFile[];
    chosen: readonly HubFile[];
    isDefault: boolean;
  },
): void {
  if (!isDefault) { // whoever chooses knows
    if (chosen.length > 0) return;
    throw new Error(
      `Cannot pull ${id}: none of its ${files.length} files is chosen, wanted other --include and --exclude`,
    );
  }
  const has = (test: (path: string) => boolean) =>
    chosen.some(({ path }) => test(path));
  const wanted = "wanted a Mixtral as transformers saves it";
  if (!has((path) => path.endsWith(".safetensors"))) {
    const kinds = new Set(
      files.map(({ path }) => /\.(gguf|bin|pth?|onnx)$/.exec(path)?.[0])
        .filter((kind) => kind !== undefined),
    );
    const but = kinds.size === 0 ? "" : ` but *${[...kinds].join(", *")}`;
    throw new Error(
      `Cannot pull ${id}: it has no *.safetensors files${but}, ${wanted}`,
    );
  }
  if (!has((path) => path === "config.json")) {
    throw new Error(`Cannot pull ${id}: it has no config.json, ${wanted}`);
  }
}

/** What we did not put there is not ours to replace. */
async function refuseForeign(
  directory: string,
  { owner, name }: ModelReference,
): Promise<void> {
  try {
    for await (const { name: found } of Deno.readDir(directory)) {
      throw new Error(
        `Cannot pull ${owner}/${name}: ${
          join(directory, found)
        } is there and was not pulled, wanted it moved away, or --force to replace the directory`,
      );
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw fileError(`read ${directory}`, error);
  }
}
