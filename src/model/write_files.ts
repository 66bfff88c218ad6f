/** Writes the planned files of a quantized model. */

import { join } from "@std/path";
import type { Checkpoint } from "../io/checkpoint.ts";
import { type FloatDtype, isFloatDtype } from "../io/float.ts";
import { isWritten } from "../io/is_written.ts";
import {
  type TensorSource,
  writeSafetensors,
} from "../io/safetensors_writer.ts";
import type { HqqScheme } from "../ops/matrix.ts";
import { checkFinite } from "./check_finite.ts";
import { checkFlatParameters } from "./flat_parameters.ts";
import type { PlannedFile, PlannedItem } from "./plan_files.ts";
import type { MatrixQuantizer } from "./quantize_job.ts";
import { readMatrix } from "./read_matrix.ts";
import { runAhead } from "./run_ahead.ts";
import type { StoredLayout } from "./stored_layout.ts";
import { storedBytes } from "./stored_tensors.ts";
import type { Progress } from "./upload.ts";

/** What {@linkcode writeFiles} works with. */
export interface WriteFilesOptions {
  /** The source. */
  readonly checkpoint: Checkpoint;
  /** How it is stored. */
  readonly stored: StoredLayout;
  /** Quantizes its matrices. */
  readonly quantizer: MatrixQuantizer;
  /** How many tensors and matrices may be under way. */
  readonly aheadCount: number;
  /** Hears how many weights of these files are done. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Stops the work. */
  readonly signal?: AbortSignal | undefined;
}

/** What the files say about themselves. */
const METADATA = { format: "pt" };

/**
 * Tells which of the planned files are not there yet.
 *
 * @param directory Where they are written.
 * @param files All files.
 * @returns Those that are missing or not what was planned.
 */
export async function missingFiles(
  directory: string,
  files: readonly PlannedFile[],
): Promise<PlannedFile[]> {
  const missing: PlannedFile[] = [];
  for (const file of files) {
    const specs = file.items.flatMap(({ specs }) => specs);
    const path = join(directory, file.name);
    if (!await isWritten(path, specs, METADATA)) missing.push(file);
  }
  return missing;
}

/**
 * Writes files, quantizing on the way. At no time is more in memory than the
 * matrices under way.
 *
 * @param directory Where to.
 * @param files The files to write.
 * @param options What to work with.
 * @throws {Error} If a tensor cannot be read or quantized, or a file cannot be
 * written, or the signal's reason.
 */
export async function writeFiles(
  directory: string,
  files: readonly PlannedFile[],
  options: WriteFilesOptions,
): Promise<void> {
  const { signal, aheadCount, onProgress } = options;
  const items = files.flatMap((file) => file.items);
  // Across the files, so that no worker is idle at the end of one.
  const fetchNext = runAhead(
    items.map((item) => async () => {
      signal?.throwIfAborted();
      return await bytesOf(item, options);
    }),
    aheadCount,
  );
  const total = items.reduce((sum, { weightCount }) => sum + weightCount, 0);
  let done = 0;
  const report = () => onProgress?.({ what: "quantizing", done, total });
  report();
  for (const { name, items } of files) {
    const sources = items.flatMap((item) =>
      sourcesOf(item, async () => {
        signal?.throwIfAborted(); // not only when all under way are done
        const bytes = await fetchNext();
        done += item.weightCount;
        report();
        return bytes;
      })
    );
    try {
      await writeSafetensors(join(directory, name), sources, METADATA);
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    }
  }
}

/** The tensors of an item, of which the first asks for all. */
function sourcesOf(
  { specs }: PlannedItem,
  fetch: () => Promise<Uint8Array[]>,
): TensorSource[] {
  let fetched: Uint8Array[] = [];
  return specs.map((spec, i) => ({
    ...spec,
    bytes: async () => {
      if (i === 0) fetched = await fetch();
      const bytes = fetched[i]!;
      if (i === specs.length - 1) fetched = []; // it can be gigabytes in all
      return bytes;
    },
  }));
}

/** Reads a tensor, or quantizes a matrix, or reads a quantized one. */
async function bytesOf(
  { name, matrix }: PlannedItem,
  { checkpoint, stored, quantizer }: WriteFilesOptions,
): Promise<Uint8Array[]> {
  if (matrix === null) return [await readPlainTensor(checkpoint, name)];
  const { N, K } = matrix.layout;
  const shape = [N, K] as const;
  const scheme = matrix.layout.scheme as HqqScheme;
  const part = stored[matrix.part];
  if (part.bits !== 16) {
    const source = { base: name, shape, part };
    await checkFlatParameters(checkpoint, source);
    return storedBytes(await readMatrix(checkpoint, source), scheme);
  }
  const weight = `${name}.weight`;
  return await quantizer.run({
    base: name,
    bytes: await checkpoint.read(weight),
    // The plan has checked it.
    dtype: checkpoint.info(weight).dtype as FloatDtype,
    shape,
    scheme,
  });
}

/** Reads a tensor that is stored as it is; floats must be numbers. */
async function readPlainTensor(
  checkpoint: Checkpoint,
  name: string,
): Promise<Uint8Array> {
  const bytes = await checkpoint.read(name);
  const info = checkpoint.info(name);
  const { dtype } = info;
  if (isFloatDtype(dtype) && dtype !== "F64") {
    const { directory } = checkpoint;
    checkFinite(bytes, dtype, { info, directory, action: "quantize" });
  }
  return bytes;
}
