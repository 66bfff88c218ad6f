/** The table that `moeno tune` writes: a file for each device. */

import { dirname, join } from "@std/path";
import { checkTuning, KERNEL_VERSION, type Tuning } from "../gpu/tuning.ts";
import { fileError } from "../io/file_error.ts";
import { readJson } from "../io/json_file.ts";
import { writeAll, writeWhole } from "../io/write_whole.ts";

/** What a file says of its own kind. */
const FORMAT = "moeno tuning";

/** What was read. */
export interface TuningTable {
  /** What was faster than the defaults; `null` if nothing is known. */
  readonly tuning: Partial<Tuning> | null;
  /** Why a file that is there does not count; `null` if it does. */
  readonly notice: string | null;
}

/**
 * Finds the file of a device.
 *
 * @param home The folder from `homeFolder()`.
 * @param adapter What people call the GPU.
 * @returns The path.
 */
export function tuningPath(home: string, adapter: string): string {
  const name = adapter.toLowerCase().replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "").slice(0, 100);
  return join(home, "tuning", `${name || "gpu"}.json`);
}

/**
 * Reads the table of a device. It never fails: what cannot be used is not used,
 * and the notice says why.
 *
 * @param path The file.
 * @param adapter What people call the GPU.
 * @returns The table.
 */
export async function readTuning(
  path: string,
  adapter: string,
): Promise<TuningTable> {
  const { state } = await Deno.permissions.query({ name: "read", path });
  if (state !== "granted") return { tuning: null, notice: null };
  try {
    return tuningOf(await readJson(path), { path, adapter });
  } catch (error) {
    const { message, cause } = error as Error;
    const isThere = !(cause instanceof Deno.errors.NotFound);
    return { tuning: null, notice: isThere ? message : null };
  }
}

/**
 * Writes the table of a device, and makes its folder.
 *
 * @param path The file.
 * @param adapter What people call the GPU.
 * @param tuning What was faster than the defaults.
 * @throws {Error} If it cannot be written.
 */
export async function writeTuning(
  path: string,
  adapter: string,
  tuning: Partial<Tuning>,
): Promise<void> {
  const file = {
    format: FORMAT,
    kernelVersion: KERNEL_VERSION,
    adapter,
    tuning,
  };
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
  } catch (error) {
    throw fileError(`write ${path}`, error);
  }
  const text = JSON.stringify(file, null, 2) + "\n";
  await writeWhole(
    path,
    (out) => writeAll(out, new TextEncoder().encode(text)),
  );
}

/** Judges the content of a file. */
function tuningOf(
  json: unknown,
  { path, adapter }: { path: string; adapter: string },
): TuningTable {
  const file = (typeof json === "object" ? json : null) as
    | Record<string, unknown>
    | null;
  if (file?.format !== FORMAT) {
    return ignored(
      `Cannot use ${path}: its format is ${
        JSON.stringify(file?.format) ?? "missing"
      }, wanted ${JSON.stringify(FORMAT)}`,
    );
  }
  if (file.kernelVersion !== KERNEL_VERSION) {
    return ignored(
      `Cannot use ${path}: it was measured with kernels of version ${
        JSON.stringify(file.kernelVersion) ?? "none"
      }, wanted ${KERNEL_VERSION}; moeno tune measures anew`,
    );
  }
  if (file.adapter !== adapter) {
    return ignored(
      `Cannot use ${path}: it was measured on ${
        JSON.stringify(file.adapter) ?? "no GPU"
      }, wanted ${JSON.stringify(adapter)}; moeno tune measures anew`,
    );
  }
  return { tuning: checkTuning(file.tuning, `use ${path}`), notice: null };
}

function ignored(notice: string): TuningTable {
  return { tuning: null, notice };
}
