/** Errors of the GPU that would otherwise pass unnoticed. */

import { explainLoss } from "./device_loss.ts";

const FILTERS: readonly GPUErrorFilter[] = [
  "internal",
  "out-of-memory",
  "validation",
];

/**
 * Runs something that uses the GPU, and fails if the GPU refused any of it. Without
 * it a copy that is refused says nothing: reads give zeros, and writes are not done.
 *
 * @param device The device.
 * @param run What to run.
 * @returns What it returns.
 * @throws {Error} What it throws, or what the GPU said.
 * @throws {DeviceLostError} If it throws because the device is lost.
 */
export async function checked<T>(
  device: GPUDevice,
  run: () => Promise<T>,
): Promise<T> {
  for (const filter of FILTERS) device.pushErrorScope(filter);
  const outcome = await Promise.allSettled([run()]);
  const errors = [];
  for (const _ of FILTERS) errors.push(await device.popErrorScope());
  if (outcome[0].status === "rejected") {
    throw await explainLoss(device, outcome[0].reason);
  }
  const error = errors.find((error) => error !== null);
  if (error) throw new Error(`Cannot use the GPU: ${error.message}`);
  return outcome[0].value;
}
