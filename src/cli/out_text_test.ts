import { assert, assertEquals } from "@std/assert";
import { fakeEngine, fakeProcess } from "./_fake_engine.ts";
import { describeError } from "./describe_error.ts";
import { harmlessText } from "../io/harmless.ts";
import { main } from "./main.ts";

/** Writes to the clipboard of who looks on, and changes the colour. */
const EVIL = "a\x1b]52;c;cm0gLXJm\x07b\x9b31mc";

Deno.test("what a model writes tells a terminal nothing, and goes to files as it is", async () => {
  for (const args of [["chat", "--quiet"], ["generate", EVIL, "--chat"]]) {
    for (const isShown of [false, true]) {
      const process = fakeProcess(fakeEngine(), { input: `${EVIL}\n` });
      process.io.terminal.out = isShown;
      assertEquals(await main(args, process), 0);
      const wanted = isShown ? harmlessText(EVIL) : EVIL;
      assertEquals(process.stdout, `<${wanted}>\n`, args[0]);
    }
  }
});

Deno.test("describeError() repeats no escapes of a model's files", () => {
  const error = new Error(`Cannot render: ${EVIL}`, { cause: new Error(EVIL) });
  for (const withStack of [false, true]) {
    const text = describeError(error, withStack);
    // deno-lint-ignore no-control-regex -- they are what must not be there
    assert(!/[\x1b\x9b\x07]/.test(text), text);
  }
});
