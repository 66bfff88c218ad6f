import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { madeUpProgram, METADATA } from "./_made_up_program.ts";
import { buildJson } from "./build_facts.ts";
import { findFaults } from "./check_embedded.ts";
import { readEmbedded } from "./embedded_files.ts";

const FACTS = {
  form: "compiled",
  version: "1.2.3",
  deno: "2.9.6",
  target: "x86_64-unknown-linux-gnu",
  commit: null,
  isDirty: false,
  packages: { "@scope/name": "4.5.6" },
  model: "small",
} as const;
const SOURCES = { "mod.ts": "a", "kernels/k.wgsl": "b", "models/m": "c" };
const FILES = {
  modules: ["kernels/k.wgsl", "mod.ts"],
  workers: [],
  data: ["models/m"],
};
const PACKAGE =
  ".deno_compile_node_modules/localhost/@scope/name/4.5.6/package.json";
const RIGHT = { ...SOURCES, "build.json": buildJson(FACTS), [PACKAGE]: "{}" };

/** What is wrong with a program of these files. */
async function faultsOf(
  files: Record<string, string>,
  metadata: Record<string, unknown> = METADATA,
): Promise<string[]> {
  const root = await Deno.makeTempDir();
  try {
    for (const [path, text] of Object.entries(SOURCES)) {
      await Deno.mkdir(join(root, path, ".."), { recursive: true });
      await Deno.writeTextFile(join(root, path), text);
    }
    return await findFaults(
      readEmbedded(madeUpProgram({ metadata, files })),
      { root, files: FILES, facts: FACTS, features: ["no-legacy-abort"] },
    );
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("findFaults() finds none where all is right", async () => {
  assertEquals(await faultsOf({ ...RIGHT, "something/else": "" }), []);
});

Deno.test("findFaults() names files that are missing or differ", async () => {
  const { "kernels/k.wgsl": _kernel, [PACKAGE]: _package, ...others } = RIGHT;
  assertEquals(
    await faultsOf({ ...others, "models/m": "d", "build.json": "{}" }),
    [
      "kernels/k.wgsl is missing",
      "models/m differs",
      "build.json differs",
      `${PACKAGE} is missing`,
    ],
  );
});

Deno.test("findFaults() names what Deno is told wrong", async () => {
  assertEquals(
    await faultsOf(RIGHT, {
      entrypoint_key: "src/hqq/mod.ts",
      app_name: "mod",
      unstable_config: { features: [] },
      permissions: { allow_net: null },
    }),
    [
      "it starts with src/hqq/mod.ts",
      "its name is mod",
      "it runs without no-legacy-abort",
      "it has not all permissions of net",
    ],
  );
});
