/** What becomes of work on a device that is lost. */

/** How long an operation may fail before the device says that it is lost. */
const NOTICE_MS = 200;

/** A device was lost: nothing runs on it any more, and what was on it is gone. */
export class DeviceLostError extends Error {
  /** What it is called. */
  override readonly name = "DeviceLostError";
}

/**
 * Says in a sentence that a device was lost.
 *
 * @param info What the device said.
 * @param cause What failed because of it, if anything did.
 * @returns The error.
 */
export function deviceLost(
  { reason, message }: Pick<GPUDeviceLostInfo, "reason" | "message">,
  cause?: unknown,
): DeviceLostError {
  const state = message === "" ? reason : `${reason}: ${message}`;
  return new DeviceLostError(
    `Cannot use the GPU: its device was lost (${state}), wanted one that works`,
    { cause },
  );
}

/**
 * Finds out whether something failed because its device is lost. WebGPU does not
 * say so: work on a lost device does nothing, and what it gave cannot be mapped.
 *
 * @param device The device.
 * @param error What was thrown.
 * @returns That the device was lost, or the error as it is.
 */
export async function explainLoss(
  device: GPUDevice,
  error: unknown,
): Promise<unknown> {
  if (error instanceof DeviceLostError) return error;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const pause = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), NOTICE_MS);
  });
  const info = await Promise.race([device.lost, pause]);
  clearTimeout(timer);
  return info === null ? error : deviceLost(info, error);
}
