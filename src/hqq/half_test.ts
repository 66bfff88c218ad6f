import { assertEquals } from "@std/assert";
import { offloadingTensors } from "./_testdata.ts";
import {
  float32ToHalves,
  fround16,
  halfToNumber,
  halvesToFloat32,
  numberToHalf,
} from "./mod.ts";

/** The number that a half means, from the definition of the format. */
function halfByDefinition(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent === 0
    ? sign * fraction * 2 ** -24
    : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

Deno.test("halfToNumber and halvesToFloat32 decode all 65536 halves", () => {
  const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const expected = Float32Array.from(bits, halfByDefinition);
  assertEquals(halvesToFloat32(bits), expected);
  for (let i = 0; i < 65536; i += 37) {
    assertEquals(halfToNumber(i), halfByDefinition(i));
  }
});

Deno.test("float32ToHalves and numberToHalf undo the decoding", () => {
  // All but NaNs, whose bits may change.
  const bits = Uint16Array.from({ length: 65536 }, (_, i) => i)
    .filter((half) => !Number.isNaN(halfByDefinition(half)));
  assertEquals(float32ToHalves(halvesToFloat32(bits)), bits);
  for (let i = 0; i < bits.length; i += 37) {
    assertEquals(numberToHalf(halfByDefinition(bits[i]!)), bits[i]);
  }
});

Deno.test("halvesToFloat32 decodes part of a buffer", () => {
  const bits = Uint16Array.of(0x3c00, 0x4000, 0x4200).subarray(1);
  assertEquals(halvesToFloat32(bits), Float32Array.of(2, 3));
});

Deno.test("fround16 rounds ties to even, subnormals too", () => {
  assertEquals(fround16(1 + 2 ** -11), 1);
  assertEquals(fround16(1 + 3 * 2 ** -11), 1 + 2 ** -9);
  assertEquals(fround16(2.5 * 2 ** -24), 2 * 2 ** -24);
  assertEquals(fround16(65519), 65504);
  assertEquals(fround16(65520), Infinity);
});

Deno.test("halvesToFloat32 keeps HQQ's least scale, the subnormal 0x0347", () => {
  const halves = offloadingTensors.halves(
    "attn_4bit_wide.meta.meta_scale.scale",
  );
  const least = Math.min(...halves);
  assertEquals(least, 0x0347);
  assertEquals(least, numberToHalf(1 / 2e4));
  assertEquals(Math.min(...halvesToFloat32(halves)), 839 * 2 ** -24);
});
