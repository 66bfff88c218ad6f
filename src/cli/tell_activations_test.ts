import { assertEquals, assertStringIncludes } from "@std/assert";
import { fakeEngine, fakeProcess } from "./_fake_engine.ts";
import { main } from "./main.ts";
import { tellActivations } from "./tell_activations.ts";

const NOTICE = "--activations int8 has no effect here: no GPU";

/** Runs a command, and says twice that the flag has no effect. */
async function run(args: readonly string[]) {
  const process = fakeProcess(
    fakeEngine({
      onToken() {
        const { onActivations } = process.opened[0]!.options;
        onActivations?.({ activations: "int8", notice: NOTICE });
      },
    }),
    { input: "a\n" },
  );
  const code = await main(args, process);
  const { activations } = process.opened[0]?.options ?? {};
  return { code, activations, stderr: process.stderr };
}

Deno.test("main() hands --activations to the engine, and says once where it has no effect", async () => {
  for (const command of [["generate", "a"], ["chat"]]) {
    const { activations, stderr } = await run(
      [...command, "--activations", "int8"],
    );
    assertEquals(activations, "int8");
    assertEquals(stderr.split(NOTICE + "\n").length, 2, stderr);
    const quiet = await run([...command, "--activations=int8", "--quiet"]);
    assertEquals([quiet.activations, quiet.stderr], ["int8", ""]);
    assertEquals((await run(command)).activations, undefined);
  }
});

Deno.test("main() refuses activations that there are not", async () => {
  const { code, activations, stderr } = await run(
    ["generate", "a", "--activations", "int4"],
  );
  assertEquals([code, activations], [2, undefined]);
  assertStringIncludes(
    stderr,
    '--activations is "int4", wanted one of float32, int16, int8',
  );
});

Deno.test("tellActivations() waits for the first model on which there is none", () => {
  const lines: string[] = [];
  const io = { err: (text: string) => void lines.push(text) };
  const { onActivations } = tellActivations({ activations: "int8" }, io);
  for (const notice of [null, NOTICE, NOTICE]) {
    onActivations!({ activations: "int8", notice });
  }
  assertEquals(lines, [NOTICE + "\n"]);
});
