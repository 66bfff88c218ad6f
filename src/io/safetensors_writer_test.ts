import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { parseHeader } from "./safetensors.ts";
import { encodeSafetensors, writeSafetensors } from "./safetensors_writer.ts";

const TENSORS = [
  { name: "1", dtype: "I8", shape: [3], bytes: Uint8Array.of(1, 2, 3) },
  {
    name: "0",
    dtype: "F16",
    shape: [1, 2],
    bytes: Uint8Array.of(4, 5, 6, 7),
  },
  { name: "none", dtype: "F32", shape: [0], bytes: new Uint8Array(0) },
] as const;

Deno.test("encodeSafetensors() keeps the order, aligns the header, and round-trips", () => {
  const bytes = encodeSafetensors(TENSORS, { format: "pt", by: "moeno é" });
  const { tensors, metadata, dataOffset } = parseHeader(bytes);
  assertEquals(dataOffset % 8, 0);
  assertEquals([...metadata], [["format", "pt"], ["by", "moeno é"]]);
  assertEquals([...tensors.keys()], ["1", "0", "none"]);
  for (const { name, dtype, shape, bytes: wanted } of TENSORS) {
    const info = tensors.get(name)!;
    assertEquals<unknown>([info.dtype, info.shape], [dtype, shape]);
    assertEquals(bytes.slice(info.begin, info.end), wanted);
  }
});

Deno.test("encodeSafetensors() refuses what no reader could read", () => {
  const x = TENSORS[0];
  const name = "\ud800";
  assertThrows(() => encodeSafetensors([x, x]), TypeError, "taken");
  assertThrows(() => encodeSafetensors([{ ...x, name }]), TypeError, "Unicode");
  assertThrows(
    () => encodeSafetensors([{ ...x, name: "__metadata__" }]),
    TypeError,
  );
  assertThrows(
    () => encodeSafetensors([{ ...x, shape: [4] }]),
    RangeError,
    'Cannot write tensor "1": it has 3 bytes, I8 [4] needs 4',
  );
});

Deno.test("writeSafetensors() writes what encodeSafetensors() makes", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const path = join(directory, "x.safetensors");
    await Deno.writeTextFile(path, "old");
    const sources = TENSORS.map((tensor) => ({
      ...tensor,
      bytes: () => Promise.resolve(tensor.bytes),
    }));
    await writeSafetensors(path, sources, { a: "b" });
    const wanted = encodeSafetensors(TENSORS, { a: "b" });
    assertEquals(await Deno.readFile(path), wanted);
    const names = await Array.fromAsync(Deno.readDir(directory), (e) => e.name);
    assertEquals(names, ["x.safetensors"]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("writeSafetensors() leaves the old file alone when it fails", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const path = join(directory, "x.safetensors");
    await Deno.writeTextFile(path, "old");
    const bytes = () => Promise.reject(new RangeError("no more memory"));
    const failing = [{ ...TENSORS[0], bytes }];
    await assertRejects(
      () => writeSafetensors(path, failing),
      RangeError,
      "no more memory",
    );
    assertEquals(await Deno.readTextFile(path), "old");
    const names = await Array.fromAsync(Deno.readDir(directory), (e) => e.name);
    assertEquals(names, ["x.safetensors"]);
    await assertRejects(
      () => writeSafetensors(join(directory, "no", "x"), []),
      Error,
      "Cannot write ",
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
