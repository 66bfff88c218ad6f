/** What `deno compile` puts into the program: all of it, and nothing is forgotten. */

import { Buffer } from "node:buffer";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { dirname, fromFileUrl, join, resolve } from "@std/path";
import { readBuildFacts } from "../scripts/build/build_facts.ts";
import {
  type CompileOptions,
  compileProgram,
} from "../scripts/build/compile_program.ts";
import { compileTarget } from "../scripts/build/compile_targets.ts";
import { readEmbedded } from "../scripts/build/embedded_files.ts";
import { programFiles } from "../scripts/build/program_files.ts";
import { stageSources } from "../scripts/build/stage.ts";
import { count } from "./_counts.ts";
import { type Finished, moeno } from "./_program.ts";
import { assertSameFiles } from "./_quantize.ts";
import { tempDirectory, tinyCheckpoint } from "./_tiny_checkpoint.ts";

const ROOT = resolve(fromFileUrl(new URL("..", import.meta.url)));
const TARGET = compileTarget(Deno.build.target);
const FILES = await programFiles(ROOT);

/** What stands in for denort: any executable will do, a small one is faster. */
const RUNTIME = Deno.build.os === "linux" ? "/bin/true" : Deno.execPath();

/** One copy for all, who compile one after the other. */
const STAGE = await stageSources(ROOT);
Deno.test.afterAll(async () => await STAGE[Symbol.asyncDispose]());

/** Compiles what can be looked into, but does not run. */
async function compile(
  output: string,
  options: Partial<CompileOptions> = {},
): Promise<void> {
  await compileProgram({
    stage: STAGE,
    files: FILES,
    target: TARGET,
    output,
    denort: RUNTIME,
    isTrial: true,
    ...options,
  });
}

/** What Deno says of itself in a compiled program. */
const STANDALONE =
  "data:text/javascript,Deno.build = { ...Deno.build, standalone: true };";

/** Runs the program from a folder that is not the project's, as if compiled. */
async function runFrom(
  folder: string,
  args: readonly string[],
): Promise<Finished> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", "--no-lock", `--preload=${STANDALONE}`],
      ...[`${folder}/mod.ts`, ...args],
    ],
    cwd: "/",
    env: { NO_COLOR: "1", MOENO_CONFIG: "off", MOENO_HOME: `${folder}/home` },
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

Deno.test("a compiled program has all that the program needs, the same bytes each time", async () => {
  using place = tempDirectory();
  const [first, second] = [`${place.path}/a/first`, `${place.path}/second`];
  await compile(first);
  {
    await using stage = await stageSources(ROOT); // at another place
    await compile(second, { stage });
  }
  const program = await Deno.readFile(first);
  assertEquals(Buffer.compare(program, await Deno.readFile(second)), 0);
  assertEquals(await namesIn(`${place.path}/a`), ["first"], "nothing is left");

  // Its files alone run as the project does. Packages are Deno's own matter.
  const folder = `${place.path}/embedded`;
  const { files } = readEmbedded(program);
  for (const [path, bytes] of files) {
    if (path.startsWith(".deno_compile_node_modules/")) continue;
    await Deno.mkdir(join(folder, dirname(path)), { recursive: true });
    await Deno.writeFile(join(folder, path), bytes);
  }
  const { stdout } = await runFrom(folder, ["version", "--json"]);
  const facts = { form: "compiled", target: TARGET } as const;
  assertEquals(JSON.parse(stdout).build, await readBuildFacts(ROOT, facts));
  const args = ["generate", "--temperature", "0", "--max-tokens", "9", "Once"];
  const found = await runFrom(folder, args);
  const wanted = await moeno(args);
  assertEquals([found.code, found.stdout], [0, wanted.stdout], found.stderr);
  assert(wanted.stdout.length > 20, wanted.stdout);
  await checkWorkers(folder);
  count("compile", "cases tried", FILES.modules.length + FILES.data.length);
});

/** Quantizes a model in Workers, from embedded files and from the project's. */
async function checkWorkers(folder: string): Promise<void> {
  using source = await tinyCheckpoint();
  using place = tempDirectory();
  const quantize = (target: string) => [
    ...["quantize", source.path, `${place.path}/${target}`, "--workers", "2"],
    ...["--group-size", "16", "--attn-scale-group-size", "16"],
    ...["--expert-scale-group-size", "16"],
  ];
  const { code, stderr } = await runFrom(folder, quantize("found"));
  assertEquals(code, 0, stderr);
  assertEquals((await moeno(quantize("wanted"))).code, 0);
  assertSameFiles(`${place.path}/found`, `${place.path}/wanted`);
}

Deno.test("a program without a Worker, a kernel or a file of the model is no program", async () => {
  using place = tempDirectory();
  const output = `${place.path}/moeno`;
  await Deno.writeTextFile(output, "of an earlier build");
  const leaveOut = [
    "kernels/argmax.wgsl",
    "models/stories-17m-q/model.safetensors",
    "src/model/quantize_worker.ts",
  ];
  const error = await assertRejects(
    () => compile(output, { leaveOut }),
    Error,
    `Cannot compile for ${TARGET}: in what came out `,
  );
  for (const path of leaveOut) {
    assertStringIncludes(error.message, `${path} is missing`);
  }
  assertEquals(error.message.match(/ is missing/g)?.length, leaveOut.length);
  assertEquals(await Deno.readTextFile(output), "of an earlier build");
  assertEquals(await namesIn(place.path), ["moeno"]);
  count("compile", "faults injected", leaveOut.length);
});

Deno.test("compileProgram() refuses what cannot be denort, in a sentence", async () => {
  using place = tempDirectory();
  const output = `${place.path}/moeno`;
  const other = compileTarget(
    TARGET.startsWith("aarch64")
      ? "x86_64-unknown-linux-gnu"
      : "aarch64-unknown-linux-gnu",
  );
  const refuses = (options: Partial<CompileOptions>, words: string) =>
    assertRejects(() => compile(output, options), Error, words);
  const missing = `${place.path}/denort`;
  await refuses(
    { denort: missing },
    `Cannot compile for ${TARGET}: Cannot read denort ${missing}: there is no such file`,
  );
  await refuses(
    { target: other },
    `${RUNTIME} is for ${Deno.build.target}, wanted Deno's runtime denort for ${other}`,
  );
  await refuses({ denort: import.meta.filename! }, "is no executable, wanted");
  assertEquals(await namesIn(place.path), []);
});

for (
  const [script, args, words] of [
    ["compile", ["--target", "wasm"], "Cannot compile for wasm: wanted one of"],
    ["compile", ["--check", "--output", "a"], "wanted --check alone"],
    ["compile", ["--chek"], "there is no --chek, wanted --target"],
    ["compile", ["here"], "there is no here"],
    ["release", ["--target", "wasm"], "there is no --target, wanted --denort"],
    ["release", [], "wanted --denort <folder> with one for each target"],
  ] as const
) {
  Deno.test(`deno task ${script} ${args.join(" ")} is refused in a sentence`, async () => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--quiet", "--lock=tests/deno.lock"],
        ...[`scripts/build/${script}.ts`, ...args],
      ],
      cwd: ROOT,
      env: { NO_COLOR: "1", DENORT_BIN: Deno.execPath() },
    }).output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assertEquals([code, decode(stdout)], [1, ""]);
    assertStringIncludes(decode(stderr), words);
    assertEquals(decode(stderr).trim().split("\n").length, 1);
  });
}

async function namesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
}
