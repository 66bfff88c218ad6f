import { assertStringIncludes } from "@std/assert";
import { packagesOf } from "./build_facts.ts";

Deno.test("the licenses of all packages are there", async () => {
  const root = new URL("../../", import.meta.url);
  const read = (name: string) => Deno.readTextFile(new URL(name, root));
  const licenses = await read("LICENSE-THIRD-PARTY");
  const names = Object.keys(packagesOf(JSON.parse(await read("deno.lock"))));
  for (const name of ["Deno", ...names]) assertStringIncludes(licenses, name);
});
