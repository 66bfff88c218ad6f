/** Counts what GPUs of this process hold: all that WebGPU lets go of by hand. */

/** Objects that are made since, and neither destroyed nor gone with their device. */
export interface GpuCount extends Disposable {
  /** How many there are of each kind. */
  readonly alive: Readonly<Record<GpuKind, number>>;
  /** How many were made. */
  readonly made: Readonly<Record<GpuKind, number>>;
  /** How many of the devices that were made the garbage collector has not taken. */
  readonly uncollected: number;
}

/** A kind of object that can be destroyed. */
export type GpuKind = "devices" | "buffers" | "querySets" | "textures";

interface Made {
  readonly kind: GpuKind;
  readonly device: GPUDevice;
}

/**
 * Begins to count. It holds on to nothing that was destroyed.
 *
 * @returns The count; it ends when disposed of.
 */
export function countGpu(): GpuCount {
  using patches = new DisposableStack();
  const alive = new Map<object, Made>();
  const made = { devices: 0, buffers: 0, querySets: 0, textures: 0 };
  const devices: WeakRef<GPUDevice>[] = [];

  /** Replaces a method until the count ends. */
  function patch<T extends object, K extends keyof T>(
    prototype: T,
    name: K,
    wrap: (original: T[K]) => T[K],
  ): void {
    const original = prototype[name];
    prototype[name] = wrap(original);
    patches.defer(() => prototype[name] = original);
  }
  const add = <T extends object>(object: T, { kind, device }: Made): T => {
    alive.set(object, { kind, device });
    made[kind]++;
    return object;
  };

  patch(
    GPUAdapter.prototype,
    "requestDevice",
    (request) =>
      async function (this: GPUAdapter, descriptor) {
        const device = await request.call(this, descriptor);
        devices.push(new WeakRef(device));
        return add(device, { kind: "devices", device });
      },
  );
  patch(
    GPUDevice.prototype,
    "createBuffer",
    (create) =>
      function (this: GPUDevice, descriptor) {
        const buffer = create.call(this, descriptor);
        return add(buffer, { kind: "buffers", device: this });
      },
  );
  patch(
    GPUDevice.prototype,
    "createQuerySet",
    (create) =>
      function (this: GPUDevice, descriptor) {
        const set = create.call(this, descriptor);
        return add(set, { kind: "querySets", device: this });
      },
  );
  patch(
    GPUDevice.prototype,
    "createTexture",
    (create) =>
      function (this: GPUDevice, descriptor) {
        const texture = create.call(this, descriptor);
        return add(texture, { kind: "textures", device: this });
      },
  );
  patch(
    GPUDevice.prototype,
    "destroy",
    (destroy) =>
      function (this: GPUDevice) {
        for (const [object, { device }] of alive) {
          if (device === this) alive.delete(object);
        }
        return destroy.call(this);
      },
  );
  for (const { prototype } of [GPUBuffer, GPUQuerySet, GPUTexture]) {
    patch(
      prototype as { destroy(): undefined },
      "destroy",
      (destroy) =>
        function (this: object) {
          alive.delete(this);
          return destroy.call(this);
        },
    );
  }

  const ends = patches.move();
  return {
    made,
    get alive() {
      const counts = { devices: 0, buffers: 0, querySets: 0, textures: 0 };
      for (const { kind } of alive.values()) counts[kind]++;
      return counts;
    },
    get uncollected() {
      return devices.filter((device) => device.deref() !== undefined).length;
    },
    [Symbol.dispose]: () => ends[Symbol.dispose](),
  };
}
