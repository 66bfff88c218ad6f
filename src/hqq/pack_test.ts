import { assertEquals, assertThrows } from "@std/assert";
import { offloadingTensors, random, vectorTensors } from "./_testdata.ts";
import {
  type Bits,
  pack,
  packCommon,
  packedLength,
  unpack,
  unpackCommon,
} from "./mod.ts";

const ALL_BITS: readonly Bits[] = [8, 4, 3, 2, 1];

/** Section 2 of the checkpoint's description: N = 16, K = 2, groups of 8 along axis 0. */
const GOLDEN = [
  {
    bits: 2,
    // deno-fmt-ignore
    codes: [0,3,3,0,1,0,3,2,2,3,1,3,2,1,1,3,0,2,1,0,1,2,3,1,0,0,0,1,2,0,0,3],
    block: [32, 248, 212, 49, 102, 24, 220, 183],
    common: [55, 194, 153, 247, 23, 137, 8, 19],
  },
  {
    bits: 4,
    // deno-fmt-ignore
    codes: [0,7,15,8,1,12,7,2,14,11,9,7,6,5,5,7,8,10,13,0,5,10,15,5,12,4,12,5,14,8,4,15],
    // deno-fmt-ignore
    block: [8,122,253,128,21,202,127,37,236,180,156,117,110,88,84,127],
    // deno-fmt-ignore
    common: [15,120,23,194,233,183,101,87,141,160,95,165,204,69,228,143],
  },
  {
    bits: 3,
    // deno-fmt-ignore
    codes: [0,7,7,0,1,4,7,2,6,3,1,7,6,5,5,7,0,2,5,0,5,2,7,5,4,4,4,5,6,0,4,7],
    block: [30955904, 1014310912, 1060567296, 50092992],
    common: [121576773, 948566992, 798179328, 362049536],
  },
] as const;

for (const { bits, codes, block, common } of GOLDEN) {
  Deno.test(`pack and packCommon give the golden words, ${bits} bits`, () => {
    const bytes = Uint8Array.from(codes);
    const shape = [16, 2] as const;
    const grouped = [8, 4] as const;
    assertEquals([...pack(bytes, { bits, shape: grouped })], [...block]);
    assertEquals([...packCommon(bytes, { bits, shape })], [...common]);
  });
}

Deno.test("pack gives the reference's words to the bit", () => {
  for (const bits of ALL_BITS) {
    const name = `pack_${bits}bit_${bits === 3 ? "32" : "u8"}`;
    const options = { bits, shape: vectorTensors.shape(`${name}.in`) };
    const codes = vectorTensors.codes(`${name}.in`);
    const packed = vectorTensors.packed(`${name}.packed`);
    assertEquals(pack(codes, options), packed, name);
    assertEquals(unpack(packed, options), codes, name);
  }
});

Deno.test("packCommon and pack give mixtral-offloading's words to the bit", () => {
  const t = offloadingTensors;
  const names = t.names().filter((name) =>
    name.startsWith("common_") && name.endsWith(".codes")
  );
  assertEquals(names.length, 8);
  for (const name of names) {
    const bits = Number(name.charAt("common_".length)) as Bits;
    const options = { bits, shape: t.shape(name) };
    const codes = t.codes(name);
    const packed = t.packed(name.replace("codes", "packed"));
    assertEquals(packCommon(codes, options), packed, name);
    assertEquals(unpackCommon(packed, options), codes, name);

    if (bits !== 3) continue;
    const block = t.packed(
      name.replace("common", "original").replace("codes", "packed"),
    );
    assertEquals(pack(codes, options), block, name);
    assertEquals(unpack(block, options), codes, name);
  }
});

Deno.test("unpack undoes pack for all bits and odd shapes", () => {
  const seed = 20231217;
  const next = random(seed);
  for (let round = 0; round < 200; round++) {
    const bits = ALL_BITS[round % ALL_BITS.length]!;
    const rowStep = bits === 3 ? 1 : 8;
    const rows = rowStep * (1 + Math.floor(next() * 12));
    const columns = 1 + Math.floor(next() * 17);
    const options = { bits, shape: [rows, columns] } as const;
    const codes = Uint8Array.from(
      { length: rows * columns },
      () => Math.floor(next() * 2 ** bits),
    );
    const message =
      `seed ${seed}, round ${round}: ${bits} bits, ${rows} x ${columns}`;

    const packed = pack(codes, options);
    assertEquals(packed.length, packedLength(options), message);
    assertEquals(unpack(packed, options), codes, message);
    if (bits === 8 || bits === 1) continue;
    const common = packCommon(codes, options);
    assertEquals(common.length, packedLength(options), message);
    assertEquals(unpackCommon(common, options), codes, message);
  }
});

Deno.test("pack leaves the top bits of 3-bit words and the padding empty", () => {
  const sevens = new Uint8Array(11).fill(7); // two words: members 0, 2, ... and 1, 3, ...
  assertEquals(
    pack(sevens, { bits: 3, shape: [11, 1] }),
    Int32Array.of(0o777777_0000, 0o777770_0000),
  );
});

Deno.test("packedLength tells the layouts of 3-bit Mixtral experts apart", () => {
  const common = packedLength({ bits: 3, shape: [14336, 4096] });
  const block = packedLength({ bits: 3, shape: [64, 14336 * 4096 / 64] });
  assertEquals([4 * common, 4 * block], [23_494_656, 25_690_112]);
});

Deno.test("pack says which number is wrong", () => {
  const bytes = new Uint8Array(6);
  const cases = [
    [
      () => pack(bytes, { bits: 4, shape: [3, 2] }),
      "Cannot pack: 3 rows do not fill bytes of 2 4-bit codes, wanted a multiple of 2",
    ],
    [
      () => pack(bytes, { bits: 8, shape: [4, 2] }),
      "Cannot pack: 6 codes, wanted 8 for 4 x 2",
    ],
    [
      () => pack(Uint8Array.of(0, 8), { bits: 3, shape: [2, 1] }),
      "Cannot pack: code 1 is 8, wanted at most 7",
    ],
    [
      () => pack(bytes, { bits: 5 as Bits, shape: [6, 1] }),
      "Cannot pack: bits is 5, wanted 8, 4, 3, 2 or 1",
    ],
    [
      () => pack(bytes, { bits: 8, shape: [0, 2] }),
      "Cannot pack: shape is 0 x 2, wanted two positive integers",
    ],
    [
      () => unpack(bytes, { bits: 2, shape: [8, 4] }),
      "Cannot unpack: 6 words, wanted 8 for 8 x 4 2-bit codes",
    ],
    [
      () => packCommon(bytes, { bits: 8, shape: [3, 2] }),
      "Cannot pack: the common layout has no 8-bit codes, wanted 4, 3 or 2",
    ],
  ] as const;
  for (const [act, message] of cases) assertThrows(act, RangeError, message);
  assertThrows(
    () => unpack(bytes, { bits: 3, shape: [10, 6] }),
    TypeError,
    "Cannot unpack: 3-bit codes are in Uint8Array, wanted Int32Array",
  );
});
