import { assertEquals } from "@std/assert";
import { fakeProcess } from "./_fake_engine.ts";
import { note } from "./note.ts";

Deno.test("note() fits a narrow terminal, and is one line elsewhere", () => {
  for (const isTerminal of [false, true]) {
    const process = fakeProcess(); // of 20 columns
    process.io.terminal.err = isTerminal;
    note(process.io, "# 5 tokens; first after 2 s; all");
    assertEquals(
      process.stderr,
      isTerminal
        ? "# 5 tokens;\nfirst after 2 s;\nall\n"
        : "# 5 tokens; first after 2 s; all\n",
    );
  }
});
