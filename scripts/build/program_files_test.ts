import { assert, assertEquals, assertThrows } from "@std/assert";
import { fromFileUrl, resolve } from "@std/path";
import { programFiles, workersIn } from "./program_files.ts";

const ROOT = resolve(fromFileUrl(new URL("../..", import.meta.url)));

Deno.test("workersIn() finds the modules of Workers beside their module", () => {
  const text = `
    const one = new Worker(new URL("./one.ts", import.meta.url), options);
    const two = new Worker(
      new URL("./two.ts", import.meta.url),
      { type: "module" },
    );`;
  const found = workersIn(text, "src/model/pool.ts");
  assertEquals(found, ["src/model/one.ts", "src/model/two.ts"]);
  assertEquals(workersIn("class Worker {}", "src/a.ts"), []);
});

Deno.test("workersIn() refuses a Worker whose module it cannot know", () => {
  for (const url of ["url", 'new URL("../up.ts", import.meta.url)']) {
    assertThrows(
      () => workersIn(`new Worker(${url}, {});`, "src/a.ts"),
      Error,
      "Cannot build src/a.ts: it starts 1 Workers and names 0 modules",
    );
  }
});

Deno.test("programFiles() finds modules, kernels, the page, Workers and the model", async () => {
  const { modules, workers, data } = await programFiles(ROOT);
  assertEquals(workers, [
    "src/model/multiply_worker.ts",
    "src/model/quantize_worker.ts",
  ]);
  for (
    const path of [
      "mod.ts",
      "deno.json",
      "kernels/argmax.wgsl",
      "src/cli/main.ts", // imported when the program runs
      "src/server/page/chat.js", // a text
      ...workers,
    ]
  ) assert(modules.includes(path), path);
  assert(!modules.some((path) => /_test\.ts|\.d\.ts$/.test(path)));
  assert(data.includes("models/stories-17m-q/model.safetensors"));
});
