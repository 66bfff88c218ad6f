/** Devices that are lost, and memory that they refuse. */

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

/** Memory that is refused. */
export interface MemoryFault extends Disposable {
  /** How many buffers were asked for. */
  readonly count: number;
  /** The labels of those that were refused. */
  readonly refused: readonly string[];
  /** How many of these nobody asked about, so that zeros would be read. */
  readonly unnoticed: number;
}

/**
 * Has devices refuse buffers, as those do that have no memory left: the buffer is
 * there, but invalid, and an error scope says so.
 *
 * @param isRefused Tells whether to refuse the n-th buffer, counted from 1.
 * @returns What came of it; all is granted again when it is disposed of.
 */
export function refuseMemory(
  isRefused: (n: number, descriptor: GPUBufferDescriptor) => boolean,
): MemoryFault {
  const { prototype } = GPUDevice;
  const { createBuffer, pushErrorScope, popErrorScope } = prototype;
  const scopes = new WeakMap<
    GPUDevice,
    { filter: GPUErrorFilter; isOut: boolean }[]
  >();
  const scopesOf = (device: GPUDevice) =>
    scopes.get(device) ?? scopes.set(device, []).get(device)!;
  let count = 0;
  let unnoticed = 0;
  const refused: string[] = [];
  prototype.createBuffer = function (descriptor) {
    if (!isRefused(++count, descriptor)) {
      return createBuffer.call(this, descriptor);
    }
    refused.push(descriptor.label ?? "");
    const scope = scopesOf(this).findLast(({ filter }) =>
      filter === "out-of-memory"
    );
    if (scope === undefined) unnoticed++;
    else scope.isOut = true;
    pushErrorScope.call(this, "validation");
    const buffer = createBuffer.call(this, { ...descriptor, size: 2 ** 45 });
    void popErrorScope.call(this);
    return buffer;
  };
  prototype.pushErrorScope = function (filter) {
    scopesOf(this).push({ filter, isOut: false });
    return pushErrorScope.call(this, filter);
  };
  prototype.popErrorScope = async function () {
    const scope = scopesOf(this).pop();
    const error = await popErrorScope.call(this);
    return scope?.isOut ? new GPUOutOfMemoryError("there is no more") : error;
  };
  return {
    refused,
    get count() {
      return count;
    },
    get unnoticed() {
      return unnoticed;
    },
    [Symbol.dispose]: () =>
      void Object.assign(prototype, {
        createBuffer,
        pushErrorScope,
        popErrorScope,
      }),
  };
}

/**
 * Lets GPUs have so much memory of their own.
 *
 * @param byteLength How much.
 * @param beside Labels of buffers that do not count.
 * @returns Disposing of it gives all back.
 */
export function withVram(
  byteLength: number,
  beside: readonly string[] = [],
): Disposable {
  const sizes = new Map<GPUBuffer, number>();
  const { destroy } = GPUBuffer.prototype;
  let used = 0;
  const fault = refuseMemory((_, { size, usage, label = "" }) => {
    if (beside.includes(label)) return false;
    if ((usage & GPUBufferUsage.MAP_READ) !== 0) return false;
    if (used + size > byteLength) return true;
    used += size;
    return false;
  });
  const { createBuffer } = GPUDevice.prototype;
  GPUDevice.prototype.createBuffer = function (descriptor) {
    const before = used;
    const buffer = createBuffer.call(this, descriptor);
    sizes.set(buffer, used - before);
    return buffer;
  };
  GPUBuffer.prototype.destroy = function () {
    used -= sizes.get(this) ?? 0;
    sizes.delete(this);
    return destroy.call(this);
  };
  return {
    [Symbol.dispose]() {
      fault[Symbol.dispose]();
      GPUBuffer.prototype.destroy = destroy;
    },
  };
}
