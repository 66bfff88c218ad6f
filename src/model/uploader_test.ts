import { assert, assertEquals, assertRejects } from "@std/assert";
import { gpuTest, makeReader } from "../../tests/_gpu.ts";
import { matrixLayout } from "../ops/matrix.ts";
import { Uploader } from "./uploader.ts";
import type { MatrixReader } from "./weight_reader.ts";

const SHAPE = [4, 8] as const;

/** A reader whose matrices end in any order; `m7` holds sevens. */
function makeSlowReader(parallelReadCount?: number) {
  const arrays = new Set<ArrayBufferLike>();
  const reader = {
    inFlight: 0,
    most: 0,
    failing: "",
    arrays,
    parallelReadCount,
    floatLayout: (name: string, shape: readonly [number, number]) =>
      matrixLayout(name, shape, { type: "F32" }),
    layout: (base: string, shape: readonly [number, number]) =>
      matrixLayout(base, shape, { type: "F32" }),
    async write(base: string, _: unknown, into: Uint8Array) {
      reader.most = Math.max(reader.most, ++reader.inFlight);
      arrays.add(into.buffer);
      const value = Number(base.slice(1));
      await new Promise((resolve) => setTimeout(resolve, (value * 7) % 5));
      reader.inFlight--;
      if (base === reader.failing) throw new Error(`Cannot read ${base}`);
      new Float32Array(into.buffer, into.byteOffset, into.length / 4)
        .fill(value);
    },
    readFloats: (_: string, [rows, width]: readonly number[]) =>
      Promise.resolve(
        Float32Array.from({ length: rows! * width! }, (_, i) => i),
      ),
  };
  return reader satisfies MatrixReader;
}

const NAMES = Array.from({ length: 40 }, (_, i) => `m${i}`);

gpuTest("Uploader fills every buffer, several at once", async ({ gpu }) => {
  for (const limit of [undefined, 1, 5]) {
    const reader = makeSlowReader(limit);
    const uploader = new Uploader(gpu, reader);
    const matrices = NAMES.map((name) =>
      uploader.matrix(name, reader.layout(name, SHAPE))
    );
    const rows = uploader.floats("rows", [2, 3]);
    const byteLength = 40 * 4 * 8 * 4 + 2 * 4 * 4;
    assertEquals(uploader.total, { count: 41, byteLength });
    const reports: { count: number; byteLength: number }[] = [];
    await uploader.run((done) => reports.push({ ...done }));
    assertEquals(reports[0], { count: 0, byteLength: 0 });
    assertEquals(reports.at(-1), { count: 41, byteLength });
    assertEquals(reports.length, 42);

    assert(reader.most > 1 || limit === 1);
    assert(reader.most <= (limit ?? 12), `${reader.most} at once`);
    assertEquals(reader.arrays.size, reader.most, "memory is used again");

    using buffers = await makeReader(gpu, 4 * 8 * 4);
    for (const [value, { buffer }] of matrices.entries()) {
      const floats = await buffers.floats(buffer as GPUBuffer);
      assertEquals([...floats], Array(32).fill(value));
    }
    const padded = [...await buffers.floats(rows)];
    assertEquals(padded, [0, 1, 2, 0, 3, 4, 5, 0]);
  }
});

gpuTest(
  "Uploader.run() throws what could not be read, when nothing is in flight",
  async ({ gpu }) => {
    const reader = makeSlowReader();
    reader.failing = "m9";
    const uploader = new Uploader(gpu, reader);
    for (const name of NAMES) uploader.matrix(name, reader.layout(name, SHAPE));
    await assertRejects(() => uploader.run(), Error, "Cannot read m9");
    assertEquals(reader.inFlight, 0);
  },
);
