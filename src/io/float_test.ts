import { assertEquals, assertThrows } from "@std/assert";
import { decodeFloats, encodeFloats } from "./float.ts";

/** All 65536 patterns of 16 bits. */
const PATTERNS = Uint16Array.from({ length: 65536 }, (_, i) => i);

/** IEEE 754, from its definition. */
function valueOf(bits: number, exponentBits: number): number {
  const fractionBits = 15 - exponentBits;
  const sign = bits >>> 15 ? -1 : 1;
  const exponent = (bits >>> fractionBits) & (2 ** exponentBits - 1);
  const fraction = (bits & (2 ** fractionBits - 1)) / 2 ** fractionBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) {
    return fraction === 0 ? sign * Infinity : NaN;
  }
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias);
  return sign * (1 + fraction) * 2 ** (exponent - bias);
}

for (const [dtype, exponentBits] of [["F16", 5], ["BF16", 8]] as const) {
  const bytes = new Uint8Array(PATTERNS.buffer);

  Deno.test(`decodeFloats() reads every ${dtype}, and encodeFloats() writes it back`, () => {
    const values = decodeFloats(bytes, dtype);
    const back = new Uint16Array(encodeFloats(values, dtype).buffer);
    for (const bits of PATTERNS) {
      const wanted = valueOf(bits, exponentBits);
      if (!Object.is(values[bits], wanted)) {
        assertEquals(values[bits], wanted, `bits ${bits}`);
      }
      if (Number.isNaN(wanted)) {
        assertEquals(Number.isNaN(valueOf(back[bits]!, exponentBits)), true);
      } else if (back[bits] !== bits) assertEquals(back[bits], bits);
    }
  });

  Deno.test(`encodeFloats() rounds to the nearest ${dtype}, ties to even`, () => {
    const infinite = (2 ** exponentBits - 1) << (15 - exponentBits);
    for (let bits = 0; bits < infinite; bits++) {
      const low = valueOf(bits, exponentBits);
      // The value after the largest, had the format room for it.
      const high = bits + 1 === infinite
        ? low + (low - valueOf(bits - 1, exponentBits))
        : valueOf(bits + 1, exponentBits);
      const middle = (low + high) / 2;
      const step = (high - low) / 4;
      const values = [middle, middle - step, middle + step, -middle];
      const even = bits % 2 === 0 ? bits : bits + 1;
      const wanted = [even, bits, bits + 1, even | 0x8000];
      const got = encodeFloats(Float32Array.from(values), dtype);
      if (values.some((value) => Math.fround(value) !== value)) {
        throw new Error(`F32 cannot hold what lies around ${low}`);
      }
      const codes = [...new Uint16Array(got.buffer)];
      if (codes.join() !== wanted.join()) assertEquals(codes, wanted);
    }
  });
}

Deno.test("decodeFloats() reads F32 and F64 at any alignment", () => {
  const values = [0, -0, 1.5, 1e-45, -3.4028234663852886e38, Infinity];
  for (
    const [dtype, source] of [
      ["F32", Float32Array.from(values)],
      ["F64", Float64Array.from(values)],
    ] as const
  ) {
    for (let offset = 0; offset < 9; offset++) {
      const bytes = new Uint8Array(source.byteLength + offset);
      bytes.set(new Uint8Array(source.buffer), offset);
      const decoded = decodeFloats(bytes.subarray(offset), dtype);
      assertEquals([...decoded], values.map(Math.fround));
    }
  }
  const halves = Uint8Array.of(0, 0, 0x3c, 0x80, 0x3f);
  assertEquals([...decodeFloats(halves.subarray(1, 3), "F16")], [1]);
  assertEquals([...decodeFloats(halves.subarray(3), "BF16")], [1]);
});

Deno.test("decodeFloats() shares no memory with its bytes", () => {
  const bytes = new Uint8Array(4);
  const values = decodeFloats(bytes, "F32");
  bytes.fill(0xff);
  assertEquals([...values], [0]);
});

Deno.test("decodeFloats() refuses parts of elements", () => {
  assertThrows(
    () => decodeFloats(new Uint8Array(3), "F16"),
    RangeError,
    "Cannot read floats: 3 bytes, wanted a multiple of 2 for F16",
  );
});

Deno.test("encodeFloats() writes F32 and F64 views of a larger buffer", () => {
  const values = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
  for (const dtype of ["F64", "F32", "F16", "BF16"] as const) {
    assertEquals(
      [...decodeFloats(encodeFloats(values, dtype), dtype)],
      [1, 2],
    );
  }
});
