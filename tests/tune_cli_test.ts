/** `moeno tune` as a process, and what later runs make of its file. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { openGpu } from "../src/engine/open_gpu.ts";
import { tuningPath } from "../src/engine/tuning_file.ts";
import { KERNEL_VERSION, TUNING_NAMES } from "../src/gpu/tuning.ts";

const PROGRAM = fromFileUrl(new URL("../mod.ts", import.meta.url));
const TOKENS = ["generate", "Once", "--max-tokens", "3", "--temperature", "0"];

/** Runs the program with a home of its own. */
async function run(
  home: string,
  args: readonly string[],
  env: Record<string, string> = {},
) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", PROGRAM, ...args],
    env: { NO_COLOR: "1", MOENO_TUNING: "", MOENO_HOME: home, ...env },
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

/** Lends a folder that is not there yet. */
async function withHome(fn: (home: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "moeno-tune-" });
  try {
    await fn(join(folder, "home"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("tune writes a table that later runs read", () =>
  withHome(async (home) => {
    const tuned = await run(home, ["tune", "--json"]);
    assertEquals(tuned.code, 0, tuned.stderr);
    const result = JSON.parse(tuned.stdout);
    assertEquals(
      result.knobs.map((knob: { name: string }) => knob.name).sort(),
      TUNING_NAMES.toSorted(),
    );
    assertEquals(result.isWritten, true);
    assertStringIncludes(tuned.stderr, `# tuning ${result.adapter}\n`);
    assertStringIncludes(tuned.stderr, "# 7 of 7: argmaxInvocations\n");
    assertStringIncludes(tuned.stderr, `# written to ${result.path}\n`);
    assert(result.path.startsWith(home), result.path);
    const file = JSON.parse(await Deno.readTextFile(result.path));
    assertEquals(file, {
      format: "moeno tuning",
      kernelVersion: KERNEL_VERSION,
      adapter: result.adapter,
      tuning: result.tuning,
    });
    // Whatever won here: this is in force in the runs that follow.
    file.tuning = { argmaxInvocations: 64 };
    await Deno.writeTextFile(result.path, JSON.stringify(file));
    const told = `# tuning: argmaxInvocations 64, from ${result.path}\n`;
    const none = "# tuning: the defaults\n";
    const verbose = [...TOKENS, "--verbose"];
    const texts = [];
    for (
      const [args, env, line] of [
        [verbose, {}, told],
        [[...verbose, "--no-tuning"], {}, none],
        [verbose, { MOENO_TUNING: "off" }, none],
      ] as const
    ) {
      const { code, stdout, stderr } = await run(home, args, env);
      assertEquals(code, 0, stderr);
      assertStringIncludes(stderr, line);
      texts.push(stdout);
    }
    assertEquals(new Set(texts).size, 1);
    const bench = ["bench", "--tokens", "2", "--repeat", "1", "--json"];
    const measured = await run(home, bench);
    assertEquals(JSON.parse(measured.stdout).tuning, {
      source: "table",
      tuning: file.tuning,
      path: result.path,
      notice: null,
    });
    assertStringIncludes(measured.stderr, ", tuned: argmaxInvocations 64\n");
  }));

Deno.test("tune --dry-run writes nothing, and a table for people", () =>
  withHome(async (home) => {
    const { code, stdout, stderr } = await run(home, ["tune", "--dry-run"]);
    assertEquals(code, 0, stderr);
    await Deno.stat(home).then(
      () => assert(false, `${home} is there`),
      (error) => assert(error instanceof Deno.errors.NotFound),
    );
    const lines = stdout.split("\n");
    assert(/^what +value +ms +noise % +gain %$/.test(lines[0]!), lines[0]);
    assertStringIncludes(stdout, "default, makes no difference here\n");
    for (const name of TUNING_NAMES) assertStringIncludes(stdout, `${name} `);
  }));

Deno.test("tune says before it measures that it cannot write, and what helps", () =>
  withHome(async (home) => {
    // A home below a file is as good as a folder that is read-only, even for root.
    await Deno.writeTextFile(home, "a file");
    const { code, stdout, stderr } = await run(home, ["tune"]);
    assertEquals([code, stdout], [1, ""]);
    assertEquals(
      stderr,
      `error: Cannot write to ${home}/tuning: a part of the path is not a directory, wanted another folder in MOENO_HOME\n`,
    );
    const { code: fine, stderr: told } = await run(home, TOKENS);
    assertEquals(fine, 0, told);
  }));

Deno.test("tune prints what it measured even if it cannot write it then", () =>
  withHome(async (home) => {
    const { gpu } = await openGpu("off");
    const path = tuningPath(home, gpu.name);
    gpu[Symbol.dispose]();
    await Deno.mkdir(path, { recursive: true }); // no file gets this name
    const { code, stdout, stderr } = await run(home, ["tune", "--quiet"]);
    assertEquals(code, 1);
    assertStringIncludes(stdout, "argmaxInvocations");
    assert(/^error: Cannot write .*\n$/.test(stderr), stderr);
  }));

Deno.test("a broken table is told of once, and does no harm", () =>
  withHome(async (home) => {
    const { path } = JSON.parse((await run(home, ["tune", "--json"])).stdout);
    const good = JSON.parse(await Deno.readTextFile(path));
    for (
      const [file, wanted] of [
        ["{", "characters that are not JSON"],
        [JSON.stringify({ ...good, kernelVersion: 0 }), "moeno tune measures"],
        [JSON.stringify({ ...good, tuning: { a: 1 } }), 'tuning has "a"'],
      ] as const
    ) {
      await Deno.writeTextFile(path, file);
      const { code, stderr } = await run(home, TOKENS);
      assertEquals(code, 0, stderr);
      assertEquals(stderr.split("Cannot ").length, 2, stderr);
      assertStringIncludes(stderr, wanted);
    }
    const quiet = await run(home, [...TOKENS, "--quiet"]);
    assertEquals([quiet.code, quiet.stderr], [0, ""]);
  }));

Deno.test("tune refuses arguments", () =>
  withHome(async (home) => {
    const { code, stderr } = await run(home, ["tune", "fast"]);
    assertEquals(code, 2);
    assertEquals(stderr, 'error: tune takes no argument, received "fast"\n');
  }));
