import { assertEquals } from "@std/assert";
import { tensorByteLength } from "../io/tensor_spec.ts";
import { offloadingTensors } from "./offloading_tensors.ts";
import { syntheticConfig } from "./synthetic_shapes.ts";
import { SYNTHETIC_PARTS } from "./synthetic_weights.ts";
import { GROUP_SIZES } from "./quantization.ts";

const MIXTRAL = offloadingTensors(
  syntheticConfig("mixtral-8x7b"),
  SYNTHETIC_PARTS,
);

Deno.test("offloadingTensors() lists what the published index does", async () => {
  const sum = MIXTRAL.reduce((sum, spec) => sum + tensorByteLength(spec), 0);
  // metadata.total_size of Mixtral-8x7B-Instruct-v0.1-offloading-demo.
  assertEquals([MIXTRAL.length, sum], [6371, 18_239_794_688]);
  // SHA-256 of its names, sorted, a line each; and with their files.
  assertEquals(
    await sha256(MIXTRAL.map(({ name }) => name)),
    "b899a4dfc5f63dd24bf7f495ef9ec00e89ccea0ea332ade3a1a150a051cbdc41",
  );
  assertEquals(
    await sha256(MIXTRAL.map(({ name, file }) => `${name} ${file}`)),
    "46cef6c31b0e589ca1f9fe91106afa2d860f03dd80ce5b03b838cc01ea7e2deb",
  );
});

Deno.test("offloadingTensors() has the shapes of HQQ 0.1.1", () => {
  const shapesOf = (base: string) =>
    MIXTRAL.filter(({ of }) => of?.base === base)
      .map(({ dtype, shape }) => `${dtype} ${shape}`);
  assertEquals(shapesOf("model.layers.31.self_attn.k_proj"), [
    "U8 32,65536",
    "U8 256,256",
    "F16 1,256",
    "F16 1,256",
    "U8 1,65536",
    "F16 ",
    "F16 ",
  ]);
  const expert = "model.layers.0.block_sparse_moe.experts.7";
  const w = [
    "U8 4,3670016",
    "U8 128,28672",
    "F16 1,28672",
    "F16 1,28672",
    "U8 1,3670016",
    "F16 ",
    "F16 ",
  ];
  for (const matrix of ["w1", "w2", "w3"]) {
    assertEquals(shapesOf(`${expert}.${matrix}`), w);
  }
  const short = MIXTRAL.filter(({ of }) => of?.base === `${expert}.w2`);
  assertEquals(short.at(-1)!.nameInFile, "w2.meta.meta_zero.zero");
  const threeBits = offloadingTensors(syntheticConfig("tiny"), {
    ...SYNTHETIC_PARTS,
    experts: { bits: 3, ...GROUP_SIZES[3] },
  });
  const codes = threeBits.find(({ nameInFile }) => nameInFile === "w1.W_q")!;
  // Groups of 64 are 7 words of 10 codes: 256 x 128 weights are 512 groups.
  assertEquals([codes.dtype, codes.shape], ["I32", [7, 512]]);
  assertEquals(codes.file, "model-00002-of-00025.safetensors");
});

async function sha256(lines: readonly string[]): Promise<string> {
  const bytes = new TextEncoder().encode([...lines].sort().join("\n"));
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(digest).toHex();
}
