/** Read-back where the trick of the un-awaited `mapAsync` does not work. */

import { assert, assertEquals } from "@std/assert";
import { Readback } from "../src/gpu/readback.ts";
import { gpuTest } from "./_gpu.ts";
import { WAY, withLab } from "./_offload_lab.ts";
import { assertSameBits, MODELS, talk } from "./_offload_talk.ts";

/** What an un-awaited `getMappedRange` does. */
type Unawaited = "works" | "throws" | "is stale" | "throws the second time";

/** A buffer in memory that maps as the WebGPU specification says. */
class FakeBuffer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #unawaited: Unawaited;
  readonly #mapMs: number;
  #state: "unmapped" | "pending" | "mapped" = "unmapped";
  #mapping = 0;
  #mapped: ArrayBuffer;
  #unawaitedCount = 0;

  constructor(size: number, unawaited: Unawaited, mapMs: number) {
    this.bytes = new Uint8Array(size);
    this.#unawaited = unawaited;
    this.#mapMs = mapMs;
    this.#mapped = this.bytes.slice().buffer;
  }

  async mapAsync(): Promise<void> {
    if (this.#state !== "unmapped") throw new Error("it is mapped already");
    this.#state = "pending";
    const mapping = ++this.#mapping;
    await new Promise((resolve) => setTimeout(resolve, this.#mapMs));
    if (this.#mapping !== mapping) throw new Error("it was unmapped");
    this.#state = "mapped";
    this.#mapped = this.bytes.slice().buffer;
  }

  getMappedRange(offset = 0, size = this.bytes.length): ArrayBuffer {
    if (this.#state === "unmapped") throw new Error("it is not mapped");
    if (this.#state === "pending") {
      const isSecond = ++this.#unawaitedCount === 2;
      switch (this.#unawaited) {
        case "works":
          return this.bytes.slice(offset, offset + size).buffer;
        case "throws the second time":
          if (isSecond) throw new Error("it is not mapped yet");
          return this.bytes.slice(offset, offset + size).buffer;
        case "throws":
          throw new Error("it is not mapped yet");
      }
    }
    return this.#mapped.slice(offset, offset + size);
  }

  unmap(): void {
    this.#mapping++;
    this.#state = "unmapped";
  }

  destroy(): void {
    this.unmap();
  }
}

/** A device that knows buffers, copies and nothing else. */
function fakeDevice(unawaited: Unawaited, mapMs: number): GPUDevice {
  const device = {
    pushErrorScope() {},
    popErrorScope: () => Promise.resolve(null),
    createBuffer: ({ size }: GPUBufferDescriptor) =>
      new FakeBuffer(size, unawaited, mapMs),
    createCommandEncoder() {
      const commands: (() => void)[] = [];
      return {
        copyBufferToBuffer(
          source: FakeBuffer,
          from: number,
          target: FakeBuffer,
          to: number,
          size: number,
        ) {
          commands.push(() =>
            target.bytes.set(source.bytes.subarray(from, from + size), to)
          );
        },
        finish: () => commands,
      };
    },
    queue: {
      writeBuffer(buffer: FakeBuffer, at: number, data: Uint32Array) {
        buffer.bytes.set(new Uint8Array(data.slice().buffer), at);
      },
      submit(all: (() => void)[][]) {
        for (const command of all.flat()) command();
      },
    },
  };
  return device as unknown as GPUDevice;
}

const CASES: readonly [Unawaited, mapMs: number, isSynchronous: boolean][] = [
  ["works", 5, true],
  ["throws", 5, false],
  ["throws", 80, false], // longer than the self-test waits
  ["is stale", 5, false],
  ["throws the second time", 5, false],
];

for (const [unawaited, mapMs, isSynchronous] of CASES) {
  Deno.test(`Readback reads right where an un-awaited range ${unawaited}, mapping in ${mapMs} ms`, async () => {
    const device = fakeDevice(unawaited, mapMs);
    using readback = await Readback.create(device, 32);
    assertEquals(readback.isSynchronous, isSynchronous);
    const source = device.createBuffer({ size: 32, usage: 0 });
    for (let i = 1; i <= 5; i++) {
      device.queue.writeBuffer(source, 0, Uint32Array.of(i, 2 * i, 3 * i, ~i));
      const bytes = await readback.readSlices(device.createCommandEncoder(), [
        { source, byteLength: 12 },
        { source, byteLength: 4 },
      ]);
      assertEquals([...new Uint32Array(bytes)], [i, 2 * i, 3 * i, i]);
      // A synchronous mapping is over long before the next one begins.
      if (isSynchronous) {
        await new Promise((resolve) => setTimeout(resolve, 2 * mapMs));
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 2 * mapMs));
  });
}

gpuTest(
  "Readback.direct() reads what a kernel or a write left in host memory",
  async ({ gpu }) => {
    let direct: GPUBuffer | null;
    {
      using readback = await gpu.readback(16);
      direct = await readback.direct(20);
      assert(direct !== null);
      for (let i = 1; i <= 3; i++) {
        const numbers = Uint32Array.of(i, i + 1, i + 2, i + 3, i + 4);
        gpu.device.queue.writeBuffer(direct, 0, numbers);
        gpu.device.queue.submit([]);
        const bytes = await readback.wait(20, direct);
        assertEquals(new Uint32Array(bytes), numbers);
      }
    }
    // It ended with the read-back.
    gpu.device.pushErrorScope("validation");
    const commands = gpu.device.createCommandEncoder();
    commands.clearBuffer(direct);
    gpu.device.queue.submit([commands.finish()]);
    assert(await gpu.device.popErrorScope() !== null);
  },
);

Deno.test("Readback.direct() gives no buffer where reads have to wait", async () => {
  using readback = await Readback.create(fakeDevice("throws", 5), 32);
  assertEquals(await readback.direct(20), null);
  await new Promise((resolve) => setTimeout(resolve, 20));
});

/** Makes real buffers refuse ranges that were not awaited. */
function refuseUnawaited(): Disposable {
  const { prototype } = GPUBuffer;
  const { mapAsync, getMappedRange, unmap } = prototype;
  const mapped = new WeakSet<GPUBuffer>();
  prototype.mapAsync = async function (...args) {
    await mapAsync.apply(this, args);
    mapped.add(this);
  };
  prototype.getMappedRange = function (...args) {
    if (!mapped.has(this)) throw new Error("it is not mapped yet");
    return getMappedRange.apply(this, args);
  };
  prototype.unmap = function () {
    mapped.delete(this);
    unmap.call(this);
  };
  return {
    [Symbol.dispose]: () =>
      void Object.assign(prototype, { mapAsync, getMappedRange, unmap }),
  };
}

Deno.test("Mixtral gives the same bits where reads have to wait", async () => {
  const turns = [{ keep: 0, promptLength: 9, answerLength: 8 }];
  await withLab(MODELS.c_sw8_mqa, async (lab) => {
    using resident = await lab.resident(WAY.chunkSize);
    const expected = await talk(resident, turns, 1);
    using _ = refuseUnawaited();
    using readback = await lab.gpu.readback(16);
    assertEquals(readback.isSynchronous, false);
    for (const prefetch of ["off", "next-layer"] as const) {
      using model = await lab.offloaded({ ...WAY, slots: [3, 4], prefetch });
      assertSameBits(await talk(model, turns, 1), expected, prefetch);
    }
  });
});
