import { assertEquals } from "@std/assert";
import { toFileUrl } from "@std/path";
import { SUMS_FILE } from "../../program/build_facts.ts";
import { checkProgramFiles } from "./check_program_files.ts";

/** The SHA-256 of `abc`, as FIPS 180-2 has it. */
const ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

Deno.test("checkProgramFiles() names files that are missing or not what they were", async () => {
  const folder = await Deno.makeTempDir({ prefix: "moeno our files-" });
  try {
    const root = toFileUrl(`${folder}/`);
    const names = ["deno", "models/a/weights", "moeno.js"];
    await Deno.mkdir(`${folder}/models/a`, { recursive: true });
    for (const name of names) {
      await Deno.writeTextFile(`${folder}/${name}`, "abc");
    }
    const sums = names.map((name) => `${ABC}  ${name}\n`).join("");
    await Deno.writeTextFile(`${folder}/${SUMS_FILE}`, sums);
    const whole = await checkProgramFiles(root);
    assertEquals(whole, { folder: `${folder}/`, fileCount: 3, damaged: [] });
    await Deno.writeTextFile(`${folder}/models/a/weights`, "abd");
    await Deno.remove(`${folder}/moeno.js`);
    const { damaged } = await checkProgramFiles(root);
    assertEquals(damaged, ["models/a/weights", "moeno.js"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("checkProgramFiles() has nothing to compare where the program is its source", async () => {
  assertEquals(await checkProgramFiles(), {
    folder: null,
    fileCount: 0,
    damaged: [],
  });
});
