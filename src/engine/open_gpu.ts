/** Opens the GPU with what was measured on it. */

import { Gpu } from "../gpu/device.ts";
import { checkTuning, type Tuning } from "../gpu/tuning.ts";
import {
  type Environment,
  homeFolder,
  PROCESS_ENVIRONMENT,
} from "../io/home.ts";
import { readTuning, tuningPath } from "./tuning_file.ts";

/**
 * Which tuning to use: `"on"` for the table that `moeno tune` wrote for the
 * device, `"auto"` for the same unless the variable `MOENO_TUNING` is `off`,
 * `"off"` for the defaults, or values of one's own.
 */
export type TuningWish = "auto" | "on" | "off" | Partial<Tuning>;

/** Which tuning is in force, and why. */
export interface TuningReport {
  /** Where it comes from: nobody measured, a table, or whoever loads. */
  readonly source: "defaults" | "table" | "options";
  /** The values that were named; others are the defaults. */
  readonly tuning: Partial<Tuning>;
  /** The file of the table, whether there is one or not; `null` if none is used. */
  readonly path: string | null;
  /** Why a table that is there does not count; `null` if nothing is wrong. */
  readonly notice: string | null;
}

/** A GPU and its tuning. */
export interface OpenedGpu {
  /** The GPU; whoever opened it disposes of it. */
  readonly gpu: Gpu;
  /** What is in force. */
  readonly report: TuningReport;
}

/**
 * Opens the GPU. The variable `MOENO_TUNING=off` is as good as the wish `"off"`
 * where nobody wishes anything else than `"auto"`.
 *
 * @param wish Which tuning to use.
 * @param environment What says where tables are, if not this process.
 * @returns The GPU, and which tuning is in force.
 * @throws {Error} If there is no GPU, or the wish is wrong; never for a table.
 */
export async function openGpu(
  wish: TuningWish = "auto",
  environment: Environment = PROCESS_ENVIRONMENT,
): Promise<OpenedGpu> {
  checkTuningWish(wish);
  using cleanup = new DisposableStack();
  const gpu = cleanup.use(await Gpu.open());
  const report = await reportOf(gpu.name, wish, environment);
  gpu.tuning = { ...gpu.tuning, ...report.tuning };
  cleanup.move();
  return { gpu, report };
}

/**
 * Checks a wish.
 *
 * @param wish The wish.
 * @throws {TypeError} If there is no such word or name.
 * @throws {RangeError} If a value is none that there can be.
 */
export function checkTuningWish(wish: TuningWish): void {
  if (wish === "auto" || wish === "on" || wish === "off") return;
  if (typeof wish === "string") {
    throw new TypeError(
      `Cannot load the model: tuning is ${
        JSON.stringify(wish)
      }, wanted auto, on, off or values`,
    );
  }
  checkTuning(wish, "load the model");
}

async function reportOf(
  adapter: string,
  wish: TuningWish,
  environment: Environment,
): Promise<TuningReport> {
  if (typeof wish !== "string") {
    return { source: "options", tuning: wish, path: null, notice: null };
  }
  const none = { source: "defaults", tuning: {}, notice: null } as const;
  const home = homeFolder(environment);
  const isOff = wish === "off" ||
    (wish === "auto" && environment.variable("MOENO_TUNING") === "off");
  if (isOff || home === null) return { ...none, path: null };
  const path = tuningPath(home, adapter);
  const { tuning, notice } = await readTuning(path, adapter);
  return tuning === null
    ? { ...none, path, notice }
    : { source: "table", tuning, path, notice };
}
