/** One GPU for the models of a test file, one after the other. */

import { Gpu } from "../src/gpu/device.ts";

/** Whether it is done: several helpers of a test file may ask for it. */
let isDone = false;

/**
 * Has engines that are loaded one after the other use one GPU, whose pipelines stay:
 * on a CPU compiling them takes a second or two a load, even if Mesa has them on disk.
 * An engine that is loaded beside another one gets a GPU of its own, and so does who
 * asks for one with options.
 */
export function shareGpu(): void {
  if (isDone) return;
  isDone = true;
  const open = Gpu.open.bind(Gpu);
  let shared: Promise<Gpu> | undefined;
  let isTaken = false;
  Gpu.open = async (options) => {
    if (isTaken || options !== undefined) return await open(options);
    isTaken = true;
    const gpu = await (shared ??= open());
    // What tests change of it.
    const { tuning, activations, isSoftware } = gpu;
    const scope = gpu.memory.scope();
    gpu[Symbol.dispose] = () => {
      scope[Symbol.dispose]();
      Object.assign(gpu, { tuning, activations, isSoftware });
      isTaken = false;
    };
    return gpu;
  };
}
