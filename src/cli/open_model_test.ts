import { assertEquals, assertRejects } from "@std/assert";
import { fakeEngine, fakeProcess } from "./_fake_engine.ts";
import { openModel } from "./open_model.ts";
import { UsageError } from "./usage_error.ts";

Deno.test("openModel() hands on the shape of a model to make up", async () => {
  const process = fakeProcess(fakeEngine());
  {
    await using model = await openModel(
      { synthetic: "tiny", expertBits: 4 },
      process,
    );
    assertEquals(model.engine.name, "fake");
  }
  const { synthetic, expertBits } = process.opened[0]!.options;
  assertEquals(synthetic, { shape: "tiny" });
  assertEquals(expertBits, 4);
  await assertRejects(
    () => openModel({ synthetic: "tiny", model: "a" }, process),
    UsageError,
    "--synthetic does not go with --model",
  );
});
