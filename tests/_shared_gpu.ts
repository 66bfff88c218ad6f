/** GPUs that the tests of a file share, one after the other. */

import { Gpu, type GpuOptions } from "../src/gpu/device.ts";

const open = Gpu.open.bind(Gpu);

/** Those of this file, by their options; who has one gives it back. */
const gpus = new Map<string, Promise<Gpu>>();
const taken = new Set<string>();

/**
 * Lends a GPU whose pipelines stay: on a CPU compiling them is most of what a model
 * takes to load, even if Mesa has them on disk. Beside one that is in use there is
 * another one.
 *
 * @param options How it is opened.
 * @returns The GPU; disposing of it frees its buffers and undoes what tests change.
 */
export async function lendGpu(options: GpuOptions = {}): Promise<Gpu> {
  const key = JSON.stringify(options);
  if (taken.has(key)) return await open(options);
  taken.add(key);
  let opening = gpus.get(key);
  if (opening === undefined) gpus.set(key, opening = open(options));
  const gpu = await opening;
  const { tuning, activations, isSoftware } = gpu;
  const scope = gpu.memory.scope();
  gpu[Symbol.dispose] = () => {
    scope[Symbol.dispose]();
    Object.assign(gpu, { tuning, activations, isSoftware });
    taken.delete(key);
  };
  return gpu;
}

/** Has all models of a file that are loaded without options of a GPU share one. */
export function shareGpu(): void {
  Gpu.open = async (options) =>
    await (options === undefined ? lendGpu() : open(options));
}
