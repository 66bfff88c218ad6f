/** `quantizeModel()` of what others have quantized: the same bits, in our files. */

import { assertEquals, assertMatch } from "@std/assert";
import { quantizeModel, type QuantizeModelOptions } from "../mod.ts";
import { assertSentence } from "./_sentence.ts";
import { assertSameFiles, loadedBytes } from "./_quantize.ts";
import { OFFLOADING, storedCheckpoint } from "./_stored_checkpoint.ts";
import { STORED_FORMATS } from "./_stored_formats.ts";
import { tempDirectory } from "./_tiny_checkpoint.ts";

for (const format of STORED_FORMATS) {
  Deno.test(`quantizeModel() keeps every bit of ${format.name}`, async () => {
    using source = await storedCheckpoint(format);
    using place = tempDirectory();
    const target = `${place.path}/target`;
    const options: QuantizeModelOptions = {
      attnBits: format.attn === null ? 16 : undefined,
      expertBits: format.experts === null ? 16 : undefined,
      isSharded: true,
    };
    await quantizeModel(source.path, target, options);
    assertEquals(await loadedBytes(target), await loadedBytes(source.path));
    const again = `${place.path}/again`;
    await quantizeModel(target, again, options);
    assertSameFiles(again, target);
  });
}

Deno.test("quantizeModel() quantizes the part that is not quantized yet", async () => {
  using source = await storedCheckpoint({ ...OFFLOADING, attn: null });
  using place = tempDirectory();
  const options = { attnBits: 8, attnGroupSize: 16 } as const;
  const target = `${place.path}/target`;
  await quantizeModel(source.path, target, {
    ...options,
    attnScaleGroupSize: 32,
    workerCount: 2,
  });
  const { matrices } = await loadedBytes(target);
  for (const name of matrices.keys()) {
    assertMatch(name, /attn.*"bits":8.*:32}|experts.*"bits":2.*:64}/);
  }
  assertEquals(
    await loadedBytes(target),
    await loadedBytes(source.path, { ...options, attnScaleGroupSize: 32 }),
  );
});

Deno.test("quantizeModel() does not quantize twice", async () => {
  using source = await storedCheckpoint(OFFLOADING);
  using place = tempDirectory();
  const target = `${place.path}/target`;
  const { path } = source;
  for (
    const [options, says] of [
      [{ expertBits: 3 }, "already quantized to 2; quantize from the original"],
      [{ attnBits: 16 }, "with 16 bits for the attn: it is already quantized"],
      [{ groupSize: 8 }, "the attn have groupSize 8 in the options and 16 in"],
      [{ axis: 1 }, "the attn have axis 1 in the options and 0 in the source"],
    ] as const
  ) {
    await assertSentence(() => quantizeModel(path, target, options), says);
  }
  assertEquals(await Array.fromAsync(Deno.readDir(place.path)), []);
});
