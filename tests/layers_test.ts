/** The layer check, on small projects in a temporary folder. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, fromFileUrl } from "@std/path";

const SCRIPT = fromFileUrl(
  new URL("../scripts/check_layers.ts", import.meta.url),
);
const CONFIG = fromFileUrl(new URL("../deno.json", import.meta.url));

/** Runs the check on a project of these files. */
async function check(
  files: Record<string, string>,
): Promise<{ code: number; err: string }> {
  const root = await Deno.makeTempDir({ prefix: "moeno-layers-" });
  try {
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(dirname(`${root}/${path}`), { recursive: true });
      await Deno.writeTextFile(`${root}/${path}`, text);
    }
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "--config", CONFIG, SCRIPT, "mod.ts"],
      cwd: root,
    }).output();
    return { code, err: new TextDecoder().decode(stderr) };
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("check_layers.ts accepts imports that go down", async () => {
  const { code, err } = await check({
    "mod.ts": 'export * from "./src/engine/a.ts";',
    "src/engine/a.ts":
      'export * from "../io/b.ts"; export * from "./c.ts"; await import("../model/d.ts");',
    "src/engine/c.ts": "export const c = 1;",
    "src/io/b.ts": "export const b = 1;",
    "src/model/d.ts": "export const d = 1;",
  });
  assertEquals(err, "");
  assertEquals(code, 0);
});

Deno.test("check_layers.ts rejects an import that goes up", async () => {
  const { code, err } = await check({
    "mod.ts": 'export * from "./src/gpu/a.ts";',
    "src/gpu/a.ts": 'export * from "../model/b.ts";',
    "src/model/b.ts": "export const b = 1;",
  });
  assertStringIncludes(err, "src/gpu/a.ts must not import from src/model");
  assertEquals(code, 1);
});

Deno.test("check_layers.ts rejects an import of types that goes up", async () => {
  const { code, err } = await check({
    "mod.ts": 'export * from "./src/gpu/a.ts";',
    "src/gpu/a.ts": 'import type { B } from "../model/b.ts"; export let b: B;',
    "src/model/b.ts": "export type B = 1;",
  });
  assertStringIncludes(err, "src/gpu/a.ts must not import from src/model");
  assertEquals(code, 1);
});

Deno.test("check_layers.ts rejects an import that goes sideways", async () => {
  const { code, err } = await check({
    "mod.ts": 'await import("./src/ops/a.ts");',
    "src/ops/a.ts": 'export * from "../offload/b.ts";',
    "src/offload/b.ts": "export const b = 1;",
  });
  assertStringIncludes(err, "src/ops/a.ts must not import from src/offload");
  assertEquals(code, 1);
});

Deno.test("check_layers.ts rejects what belongs to no layer", async () => {
  const { code, err } = await check({
    "mod.ts": "",
    "src/utils/a.ts": "",
    "src/io/b.ts": "",
    "src/loose.ts": "",
  });
  assertStringIncludes(err, "src/utils belongs to no layer");
  assertStringIncludes(err, "src/loose.ts belongs to no layer");
  assertEquals(code, 1);
});

Deno.test("check_layers.ts rejects files that are too long", async () => {
  const { code, err } = await check({
    "mod.ts": "",
    "src/io/a.ts": "\n".repeat(301),
    "src/io/a_test.ts": "\n".repeat(999),
    "src/io/b.ts": "\n".repeat(300),
    "kernels/lib/c.wgsl": "\n".repeat(151),
  });
  assertEquals(err.trim().split("\n"), [
    "src/io/a.ts has 301 lines, wanted at most 300",
    "kernels/lib/c.wgsl has 151 lines, wanted at most 150",
  ]);
  assertEquals(code, 1);
});
