/** What users download. */

import { assertEquals } from "@std/assert";
import { PROGRAM } from "./_program.ts";

Deno.test("deno.lock holds what the program needs, and nothing of the tests", async () => {
  // Deno downloads all that the lock file next to deno.json names. What tests need
  // is in tests/deno.lock: `deno task test` and `deno task check` take that one.
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", PROGRAM],
  }).output();
  const { npmPackages } = JSON.parse(new TextDecoder().decode(stdout));
  const url = new URL("../deno.lock", import.meta.url);
  const lock = JSON.parse(await Deno.readTextFile(url));
  assertEquals(
    Object.keys(lock.npm).sort(),
    Object.keys(npmPackages).sort(),
    "git checkout deno.lock, and use deno task test",
  );
});
