/** Devices that are lost, and what is left of them. */

/** The devices of this process. */
export interface DeviceWatch extends Disposable {
  /** How many were opened. */
  readonly opened: number;
  /** How many of them were not destroyed. */
  readonly alive: number;
  /** Whether there is no adapter any more. */
  isGone: boolean;
  /** Loses the device that was opened last. */
  lose(): void;
}

/**
 * Watches the devices that are opened from now on, of which any can be lost.
 *
 * @returns The watch; it ends when disposed of.
 */
export function watchDevices(): DeviceWatch {
  const { requestAdapter } = GPU.prototype;
  const { requestDevice } = GPUAdapter.prototype;
  const { destroy } = GPUDevice.prototype;
  const devices: GPUDevice[] = [];
  const alive = new Set<GPUDevice>();
  GPU.prototype.requestAdapter = function (options) {
    return watch.isGone
      ? Promise.resolve(null)
      : requestAdapter.call(this, options);
  };
  GPUAdapter.prototype.requestDevice = async function (descriptor) {
    const device = await requestDevice.call(this, descriptor);
    devices.push(device);
    alive.add(device);
    return device;
  };
  GPUDevice.prototype.destroy = function () {
    alive.delete(this);
    return destroy.call(this);
  };
  const watch: DeviceWatch = {
    isGone: false,
    get opened() {
      return devices.length;
    },
    get alive() {
      return alive.size;
    },
    lose: () => destroy.call(devices.at(-1)!),
    [Symbol.dispose]() {
      GPU.prototype.requestAdapter = requestAdapter;
      GPUAdapter.prototype.requestDevice = requestDevice;
      GPUDevice.prototype.destroy = destroy;
    },
  };
  return watch;
}
