import { assertEquals } from "@std/assert";
import { count } from "../../tests/_counts.ts";
import { withRandom } from "../../tests/_random.ts";
import { decodeFloats, encodeFloats } from "./float.ts";
import { type CheckedDtype, firstNonFinite } from "./non_finite.ts";

const SEED = 31;
const DTYPES: readonly CheckedDtype[] = ["F32", "F16", "BF16"];

Deno.test("firstNonFinite() finds each NaN and infinity, at every place", async () => {
  let caseCount = 0;
  await withRandom(SEED, (random) => {
    for (const dtype of DTYPES) {
      // Around words, groups of four words, and blocks.
      for (const length of [1, 2, 3, 7, 8, 9, 31, 8191, 8192, 8193, 20_001]) {
        const plain = random.normal(length);
        assertEquals(firstNonFinite(encodeFloats(plain, dtype), dtype), -1);
        const places = new Set([0, length - 1, random.integer(length)]);
        for (const at of places) {
          for (const bad of [NaN, Infinity, -Infinity]) {
            const bytes = encodeFloats(plain.with(at, bad), dtype);
            const what = `${dtype} ${length}`;
            assertEquals(firstNonFinite(bytes, dtype), at, what);
            caseCount++;
          }
        }
      }
    }
  });
  count("numbers", "cases tried", caseCount);
});

Deno.test("firstNonFinite() agrees with Number.isFinite() on all 16-bit floats", () => {
  const halves = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i);
  for (const dtype of ["F16", "BF16"] as const) {
    const values = decodeFloats(new Uint8Array(halves.buffer), dtype);
    for (let i = 0; i < halves.length; i++) {
      const one = new Uint8Array(halves.buffer, 2 * i, 2);
      const expected = Number.isFinite(values[i]) ? -1 : 0;
      assertEquals(firstNonFinite(one, dtype), expected, `${dtype} ${i}`);
      if (i % 8 === 0) { // eight at once take the other loop
        const eight = new Uint8Array(halves.buffer, 2 * i, 16);
        const first = values.subarray(i, i + 8).findIndex((v) =>
          !Number.isFinite(v)
        );
        assertEquals(firstNonFinite(eight, dtype), first, `${dtype} ${i}`);
      }
    }
  }
  count("numbers", "cases tried", 2 * 2 ** 16);
});

Deno.test("firstNonFinite() takes the largest and least float32 for numbers", () => {
  const most = 3.4028234663852886e38;
  const floats = Float32Array.of(most, -most, 2 ** -149, -(2 ** -126), 0, -0);
  assertEquals(firstNonFinite(new Uint8Array(floats.buffer), "F32"), -1);
});

Deno.test("firstNonFinite() takes bytes at any alignment, and the first of several", () => {
  const floats = Float32Array.of(1, 2, 3, 4, 5, NaN, 7, Infinity);
  for (let offset = 0; offset < 5; offset++) {
    const bytes = new Uint8Array(offset + 32);
    bytes.set(new Uint8Array(floats.buffer), offset);
    assertEquals(firstNonFinite(bytes.subarray(offset), "F32"), 5);
  }
});
