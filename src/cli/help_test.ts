import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { setColorEnabled } from "@std/fmt/colors";
import { COMMANDS, findCommand } from "./commands.ts";
import { commandHelp, programHelp } from "./help.ts";
import { permissionHelp } from "./permission_help.ts";
import { PERMISSIONS } from "./permissions.ts";

Deno.test("help fits into 80 columns", () => {
  setColorEnabled(false);
  const texts = [
    programHelp(COMMANDS),
    ...COMMANDS.map(commandHelp),
    ...Object.entries(PERMISSIONS).map((pair) => permissionHelp(...pair)),
  ];
  const lines = texts.join("\n").split("\n");
  // A command to copy stays one line.
  const long = lines.filter((line) =>
    line.length > 80 && !line.startsWith("  deno run ")
  );
  assertEquals(long, []);
  assert(lines.length > 500);
});

Deno.test("commands about text offer no model without text", () => {
  const names = COMMANDS
    .filter(({ flags }) => flags.some(({ name }) => name === "synthetic"))
    .map(({ name }) => name);
  assertEquals(names, ["plan", "verify", "bench"]);
});

Deno.test("commandHelp() has every word of a flag's help, in order", () => {
  const serve = findCommand("serve");
  const words = commandHelp(serve).replace(/\s+/g, " ");
  for (const { help } of serve.flags) assertStringIncludes(words, help);
});

Deno.test("commandHelp() keeps lines to copy in one piece", () => {
  assertStringIncludes(
    commandHelp(findCommand("completion")),
    "\nfish   ~/.config/fish/config.fish   moeno completion fish | source\n",
  );
});
