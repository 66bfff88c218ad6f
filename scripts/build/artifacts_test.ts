import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { SUMS_FILE } from "../../src/program/build_facts.ts";
import { buildArtifacts, resultLines } from "./artifacts.ts";

const HASH_OF_ABC =
  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

Deno.test("buildArtifacts() builds the others when one fails", async () => {
  const folder = await Deno.makeTempDir();
  const dist = join(folder, "dist");
  try {
    await Deno.mkdir(dist);
    await Deno.writeTextFile(join(dist, "half"), "of an earlier build");
    await Deno.writeTextFile(join(dist, "other"), "is none of ours");
    const told: string[] = [];
    const results = await buildArtifacts(
      [
        { name: "z", build: (path) => Deno.writeTextFile(path, "abc") },
        {
          name: "half",
          build: async (path) => {
            await Deno.writeTextFile(path, "a");
            throw new Error("Cannot go on");
          },
        },
        {
          name: "never",
          build: () => Promise.reject(new Error("Cannot begin")),
        },
        { name: "a", build: (path) => Deno.writeTextFile(path, "abc") },
      ],
      dist,
      (name) => told.push(name),
    );
    assertEquals(results, [
      { name: "z", byteLength: 3, sha256: HASH_OF_ABC },
      { name: "half", failure: "Cannot go on" },
      { name: "never", failure: "Cannot begin" },
      { name: "a", byteLength: 3, sha256: HASH_OF_ABC },
    ]);
    assertEquals(told, ["z", "half", "never", "a"]);
    assertEquals(
      await Deno.readTextFile(join(dist, SUMS_FILE)),
      `${HASH_OF_ABC}  a\n${HASH_OF_ABC}  z\n`,
    );
    const names = (await Array.fromAsync(Deno.readDir(dist)))
      .map(({ name }) => name).sort();
    assertEquals(names, [SUMS_FILE, "a", "other", "z"]);
    assertEquals(resultLines(results), [
      `z         3 bytes  ${HASH_OF_ABC}`,
      "half       failed  Cannot go on",
      "never      failed  Cannot begin",
      `a         3 bytes  ${HASH_OF_ABC}`,
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
