/**
 * The shards of a checkpoint directory, and what lies in which.
 *
 * @module
 */
import { join } from "@std/path";
import { fileError } from "./file_error.ts";
import { forEachParallel } from "./for_each_parallel.ts";
import { readJson } from "./json_file.ts";
import type { OpenFiles } from "./open_files.ts";
import { Shard } from "./shard.ts";
import { showJson } from "./show_json.ts";
import type { TensorInfo } from "./tensor_spec.ts";

const SINGLE_FILE = "model.safetensors";
const INDEX_FILE = "model.safetensors.index.json";

/** Files that are opened at the same time. */
const OPEN_LIMIT = 8;

/** A tensor and the shard that holds it. */
export interface ShardEntry {
  /** The shard. */
  readonly shard: Shard;
  /** As in the header of the shard, whose name for it may be shorter. */
  readonly info: TensorInfo;
}

/**
 * Reads the headers of all files that make up a checkpoint.
 *
 * @param directory The directory.
 * @param openFiles What the shards are to be read through.
 * @returns The tensors by name: shard by shard, in the order of their bytes.
 * @throws {Error} If the directory or a file is missing, cannot be read, or
 * does not hold what the index says.
 * @throws {SyntaxError} If a file is malformed or truncated.
 */
export async function openShards(
  directory: string,
  openFiles: OpenFiles,
): Promise<Map<string, ShardEntry>> {
  const files = await listFiles(directory);
  if (!files.includes(SINGLE_FILE) && files.includes(INDEX_FILE)) {
    const weightMap = await readWeightMap(join(directory, INDEX_FILE));
    const shards = await openNamed(directory, weightMap, openFiles);
    return locate(directory, weightMap, shards);
  }

  const names = files.includes(SINGLE_FILE)
    ? [SINGLE_FILE]
    : files.filter((name) => name.endsWith(".safetensors")).sort();
  if (names.length === 0) {
    throw new Error(
      `Cannot open checkpoint ${directory}: no weights in it, wanted ${SINGLE_FILE}, ${INDEX_FILE} with its shards, or other *.safetensors files`,
    );
  }
  const shards: Shard[] = [];
  for (const name of names) {
    shards.push(await Shard.open(join(directory, name), openFiles));
  }
  return collect(directory, shards);
}

async function listFiles(directory: string): Promise<string[]> {
  const action = `open checkpoint ${directory}`;
  try {
    const { isDirectory } = await Deno.stat(directory);
    if (!isDirectory) {
      throw new Error(
        `Cannot ${action}: it is a file, wanted the directory that holds it`,
      );
    }
    const entries = await Array.fromAsync(Deno.readDir(directory));
    // Not only files: download caches are full of links.
    return entries.filter((entry) => !entry.isDirectory)
      .map((entry) => entry.name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new Error(`Cannot ${action}: there is no such directory`, {
        cause: error,
      });
    }
    throw fileError(action, error);
  }
}

/** Reads tensor name to file name, in the order of the index. */
async function readWeightMap(path: string): Promise<Map<string, string>> {
  const wrong = (what: string) =>
    new SyntaxError(`Cannot read ${path}: ${what}`);
  const json = await readJson(path);
  const weightMap = isRecord(json) ? json.weight_map : undefined;
  if (!isRecord(weightMap)) {
    throw wrong("it has no weight_map, wanted an object of file names");
  }
  const files = new Map<string, string>();
  for (const [name, file] of Object.entries(weightMap)) {
    if (typeof file !== "string") {
      throw wrong(`weight_map has no string for ${showJson(name)}, wanted one`);
    }
    // An index comes from elsewhere and must not reach out of its directory.
    if (!/^[^/\\:\0]+\.safetensors$/.test(file)) {
      throw wrong(
        `weight_map puts ${showJson(name)} in ${
          showJson(file)
        }, wanted a *.safetensors file of the same directory`,
      );
    }
    files.set(name, file);
  }
  return files;
}

async function openNamed(
  directory: string,
  weightMap: ReadonlyMap<string, string>,
  openFiles: OpenFiles,
): Promise<Map<string, Shard>> {
  const shards = new Map<string, Shard>();
  const open = async (file: string) => {
    try {
      const shard = await Shard.open(join(directory, file), openFiles);
      shards.set(file, shard);
    } catch (error) {
      const isMissing = error instanceof Error &&
        error.cause instanceof Deno.errors.NotFound;
      if (!isMissing) throw error;
      throw new Error(
        `Cannot open checkpoint ${directory}: ${file} is missing, wanted all files that ${INDEX_FILE} names: download it`,
        { cause: error },
      );
    }
  };
  const files = new Set(weightMap.values());
  await forEachParallel(files, { limit: OPEN_LIMIT, run: open });
  // In the order of the index, whichever was open first.
  return new Map([...files].map((file) => [file, shards.get(file)!]));
}

/** Finds every tensor of the index in its shard. */
function locate(
  directory: string,
  weightMap: ReadonlyMap<string, string>,
  shards: ReadonlyMap<string, Shard>,
): Map<string, ShardEntry> {
  const nameOf = new Map<TensorInfo, string>();
  for (const [name, file] of weightMap) {
    const info = findTensor(shards.get(file)!, name);
    const taken = info && nameOf.get(info);
    if (info === undefined || taken !== undefined) {
      const state = taken === undefined
        ? `${file} has no tensor ${showJson(name)}`
        : `${file} has one tensor for ${showJson(taken)} and ${showJson(name)}`;
      throw new Error(
        `Cannot open checkpoint ${directory}: ${state}, wanted what ${INDEX_FILE} says`,
      );
    }
    nameOf.set(info, name);
  }

  const entries = new Map<string, ShardEntry>();
  for (const shard of shards.values()) {
    for (const info of shard.header.tensors.values()) {
      const name = nameOf.get(info);
      if (name !== undefined) entries.set(name, { shard, info });
    }
  }
  return entries;
}

/**
 * Shards of one expert call a tensor `w1.W_q` that the index calls
 * `model.layers.0.block_sparse_moe.experts.0.w1.W_q`.
 */
function findTensor(shard: Shard, name: string): TensorInfo | undefined {
  const { tensors } = shard.header;
  let rest = name;
  while (true) {
    const info = tensors.get(rest);
    const dot = rest.indexOf(".");
    if (info !== undefined || dot < 0) return info;
    rest = rest.slice(dot + 1);
  }
}

function collect(
  directory: string,
  shards: readonly Shard[],
): Map<string, ShardEntry> {
  const entries = new Map<string, ShardEntry>();
  for (const shard of shards) {
    for (const info of shard.header.tensors.values()) {
      const other = entries.get(info.name);
      if (other !== undefined) {
        throw new Error(
          `Cannot open checkpoint ${directory}: tensor ${
            showJson(info.name)
          } is in ${other.shard.path} and in ${shard.path}, wanted it once`,
        );
      }
      entries.set(info.name, { shard, info });
    }
  }
  return entries;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
