import { assertEquals } from "@std/assert";
import { isWritten } from "./is_written.ts";
import { writeSafetensors } from "./safetensors_writer.ts";

Deno.test("isWritten() knows its file from shorter, longer and other ones", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/model.safetensors`;
    const a = { name: "a", dtype: "U8", shape: [3] } as const;
    const b = { name: "b", dtype: "F32", shape: [1] } as const;
    assertEquals(await isWritten(path, [a, b], { format: "pt" }), false);
    await writeSafetensors(path, [
      { ...a, bytes: Uint8Array.of(1, 2, 3) },
      { ...b, bytes: new Uint8Array(4) },
    ], { format: "pt" });
    assertEquals(await isWritten(path, [a, b], { format: "pt" }), true);
    assertEquals(await isWritten(path, [b, a], { format: "pt" }), false);
    assertEquals(await isWritten(path, [a, b]), false);
    assertEquals(await isWritten(path, [{ ...a, shape: [1, 3] }, b]), false);

    const { size } = await Deno.stat(path);
    await Deno.truncate(path, size - 1);
    assertEquals(await isWritten(path, [a, b], { format: "pt" }), false);
    await Deno.truncate(path, size + 1);
    assertEquals(await isWritten(path, [a, b], { format: "pt" }), false);
    await Deno.remove(path);
    await Deno.mkdir(path);
    assertEquals(await isWritten(path, [a, b], { format: "pt" }), false);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
