/** From a model's directory to a quantized model's directory. */

import { join } from "@std/path";
import { Checkpoint } from "../io/checkpoint.ts";
import { readJson } from "../io/json_file.ts";
import { PartDirectory } from "../io/part_directory.ts";
import { parseConfig } from "../model/config.ts";
import { planFiles, type PlannedItem } from "../model/plan_files.ts";
import { IN_THREAD } from "../model/quantize_job.ts";
import { readStoredLayout } from "../model/read_stored_layout.ts";
import type { StoredLayout } from "../model/stored_layout.ts";
import { QuantizePool } from "../model/quantize_pool.ts";
import { WeightReader } from "../model/weight_reader.ts";
import { missingFiles, writeFiles } from "../model/write_files.ts";
import { checkPlaces, fingerprint } from "./quantize_places.ts";
import {
  type QuantizeModelOptions,
  quantizeParts,
  type QuantizeResult,
} from "./quantize_options.ts";
import { writeSideFiles } from "./side_files.ts";
import { thisMachine } from "./this_machine.ts";
import { chooseWorkerCount } from "./worker_count.ts";
import { readQuantizationFiles } from "./stored_quantization.ts";

/**
 * Quantizes a model to a directory that loads as it is, to the same bits as
 * `load()` of the source with the same options.
 *
 * The work goes to `<target>.part`, which becomes `<target>` when it is whole.
 * After a crash or `signal` the same call goes on with the first file that is
 * not whole. No more than the matrices under way are in memory.
 *
 * @param source A directory that `load()` takes.
 * @param target The directory to make.
 * @param options How to quantize.
 * @returns What was done.
 * @throws {Error} If the source cannot be read or quantized like this, or the
 * target is there already or cannot be written: one sentence that says why.
 *
 * @example
 * ```ts
 * import { load, quantizeModel } from "../../mod.ts";
 * import { assert } from "@std/assert";
 *
 * const directory = await Deno.makeTempDir();
 * const target = `${directory}/stories-4-bit`;
 * const { sourceByteLength, byteLength } = await quantizeModel(
 *   "models/stories-17m",
 *   target,
 *   { attnBits: 4, expertBits: 4 },
 * );
 * assert(byteLength < 0.4 * sourceByteLength);
 * {
 *   using engine = await load(target, { contextLength: 128 });
 *   assert((await engine.logits([1, 456])).length > 0);
 * }
 * await Deno.remove(directory, { recursive: true });
 * ```
 */
export async function quantizeModel(
  source: string,
  target: string,
  options: QuantizeModelOptions = {},
): Promise<QuantizeResult> {
  const start = performance.now();
  const { force = false, signal } = options;
  const directory = target.replace(/(?<=.)[/\\]+$/, "");
  const configPath = join(source, "config.json");
  const configJson = await readJson(configPath);
  const config = parseConfig(configJson, configPath);
  using checkpoint = await Checkpoint.open(source);
  const evidence = await readQuantizationFiles(source, configJson);
  const stored = await readStoredLayout(checkpoint, config, evidence);
  const parts = quantizeParts(options, stored);
  const reader = new WeightReader(checkpoint, { stored, wanted: parts });
  const files = planFiles(checkpoint, reader, {
    config,
    isSharded: options.isSharded,
  });
  await checkPlaces(source, directory, force);
  const manifest = {
    version: 1,
    source: await fingerprint(source),
    parts,
    files: files.map(({ name, byteLength }) => [name, byteLength]),
  };
  using place = await PartDirectory.open(directory, { manifest, force });
  const missing = await missingFiles(place.path, files);
  const workerCount = chooseWorkerCount(
    missing.map(({ items }) => sizesToQuantize(items, stored)),
    thisMachine(),
    options.workerCount,
  );
  {
    using pool = workerCount > 1 ? new QuantizePool(workerCount) : null;
    await writeFiles(place.path, missing, {
      checkpoint,
      stored,
      quantizer: pool ?? IN_THREAD,
      // One is read while the workers work, one is written.
      aheadCount: workerCount > 1 ? workerCount + 2 : 1,
      onProgress: options.onProgress,
      signal,
    });
  }
  await writeSideFiles(source, place.path, { configJson, parts, files });
  await place.finish();
  return {
    directory,
    sourceByteLength: checkpoint.names()
      .map((name) => checkpoint.info(name))
      .reduce((sum, { begin, end }) => sum + end - begin, 0),
    byteLength: files.reduce((sum, { byteLength }) => sum + byteLength, 0),
    fileCount: files.length,
    reusedFileCount: files.length - missing.length,
    weightCount: missing.flatMap(({ items }) => items)
      .reduce((sum, { weightCount }) => sum + weightCount, 0),
    workerCount,
    timeMs: performance.now() - start,
  };
}

/** Weights of each matrix that is not quantized yet. */
function sizesToQuantize(
  items: readonly PlannedItem[],
  stored: StoredLayout,
): number[] {
  return items
    .filter(({ matrix }) => matrix !== null && stored[matrix.part].bits === 16)
    .map(({ weightCount }) => weightCount);
}
