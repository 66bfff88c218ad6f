/** The program in one file: built, moved, and used where nothing else is. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { dirname, fromFileUrl } from "@std/path";
import { count } from "./_counts.ts";
import { type Finished, moeno } from "./_program.ts";
import { assertSameFiles } from "./_quantize.ts";
import { tinyCheckpoint } from "./_tiny_checkpoint.ts";

const ROOT = fromFileUrl(new URL("..", import.meta.url)).replace(/\/$/, "");

/** What the build reads; a model of them is bundled. */
const SOURCES = [
  "LICENSE",
  "LICENSE-THIRD-PARTY",
  "deno.json",
  "deno.lock",
  "kernels",
  "mod.ts",
  "models/stories-17m-q",
  "scripts/build",
  "scripts/files_under.ts",
  "src",
  "tests/deno.lock",
  "types",
];

/** A folder with the file, and a home that has nothing. */
class Machine implements AsyncDisposable {
  readonly folder: string = Deno.makeTempDirSync({ prefix: "moeno-single-" });
  readonly file: string = `${this.folder}/elsewhere/moeno`;
  readonly home: string = `${this.folder}/home`;

  /** Builds the file from a copy of the project, which is removed. */
  async build(): Promise<void> {
    const project = `${this.folder}/project`;
    for (const path of SOURCES) {
      await Deno.mkdir(dirname(`${project}/${path}`), { recursive: true });
      await run("cp", ["-R", `${ROOT}/${path}`, `${project}/${path}`]);
    }
    await run(Deno.execPath(), [
      ...["task", "--quiet", "--config", `${project}/deno.json`],
      ...["single-file", "--output", `${this.folder}/built/moeno`],
    ]);
    await Deno.remove(project, { recursive: true });
    await Deno.mkdir(this.home);
    await Deno.rename(`${this.folder}/built`, dirname(this.file));
  }

  /** How the file starts: no Deno on the PATH, a home of its own, from /. */
  command(args: readonly string[], env: Record<string, string> = {}) {
    return new Deno.Command("/usr/bin/setsid", {
      args: [this.file, ...args],
      clearEnv: true,
      cwd: "/",
      env: {
        ...driverVariables(),
        PATH: "/usr/bin:/bin",
        HOME: this.home,
        NO_COLOR: "1",
        MOENO_TUNING: "off",
        ...env,
      },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    });
  }

  /** Runs the file to its end. */
  async moeno(
    args: readonly string[],
    { input = "", env = {} }: {
      input?: string;
      env?: Record<string, string>;
    } = {},
  ): Promise<Finished> {
    const child = this.command(args, env).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input)).catch(() => {});
    await writer.close().catch(() => {});
    const { code, stdout, stderr } = await child.output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: decode(stdout), stderr: decode(stderr) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Which driver there is, is the machine's business. */
function driverVariables(): Record<string, string> {
  const all = Object.entries(Deno.env.toObject());
  return Object.fromEntries(all.filter(([name]) => /^(VK|LD)_/.test(name)));
}

async function run(program: string, args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args })
    .output();
  assert(success, `${program}: ${new TextDecoder().decode(stderr)}`);
}

/**
 * Runs the program from its source and the file, which may have other variables, and
 * wants the same of both; returns it.
 */
async function assertSame(
  machine: Machine,
  args: readonly string[],
  { input = "", env = {}, keep = (text: string): unknown => text } = {},
): Promise<string> {
  const expected = await moeno(args, { input });
  const actual = await machine.moeno(args, { input, env });
  assertEquals(actual.code, expected.code, actual.stderr);
  assertEquals(expected.code, 0, expected.stderr);
  assertEquals(keep(actual.stdout), keep(expected.stdout));
  return actual.stdout;
}

Deno.test("one file is the whole program, wherever it is and whatever is not there", async (t) => {
  await using machine = new Machine();
  await machine.build();

  await t.step("killed while it unpacks itself, it still starts", async () => {
    for (const ms of [20, 150, 300, 450, 600, 800]) {
      const child = machine.command(["version"]).spawn();
      await new Promise((resolve) => setTimeout(resolve, ms));
      // The whole group: the script and what it called.
      try {
        Deno.kill(-child.pid, "SIGKILL");
      } catch {
        // it was faster
      }
      await child.stdin.close().catch(() => {});
      await child.output();
    }
    const { code, stderr } = await machine.moeno(["version"]);
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    const programs = `${machine.home}/.cache/moeno/programs`;
    const names = await Array.fromAsync(Deno.readDir(programs));
    assertEquals(names.length, 1);
    count("single file", "faults injected", 6);
    count("single file", "recoveries", 1);
  });

  await t.step("version says what it is built of", async () => {
    const { stdout } = await machine.moeno(["version", "--json"]);
    const { form, build, root } = JSON.parse(stdout);
    assertEquals(form, "single-file");
    assertStringIncludes(root, machine.home);
    const { npm } = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.lock`));
    const packages = Object.entries(build.packages).map((p) => p.join("@"));
    assertEquals(packages.sort(), Object.keys(npm).sort());
    const { stdout: text } = await machine.moeno(["--version"]);
    assertMatch(text, /^moeno \d+\.\d+\.\d+ \(deno \d/);
    assertStringIncludes(text, "a file that unpacks itself");
    const help = await machine.moeno(["help", "serve"]);
    assertStringIncludes(help.stdout, "Usage: moeno serve");
    assert(!help.stdout.includes("mod.ts"), "there is none beside it");
  });

  const prompt = "Once upon a time";
  let text = "";

  await t.step("generate --json says what deno run says", async () => {
    const args = ["generate", prompt, "--json", "--max-tokens", "12"]
      .concat("--temperature", "0", "--seed", "3");
    // All but what was measured.
    const keep = (text: string) =>
      JSON.parse(text, (key, value) => /Ms$|PerSecond$/.test(key) ? 0 : value);
    text = JSON.parse(await assertSame(machine, args, { keep })).text;
  });

  await t.step(
    "chat talks with the bundled model, in a home that cannot be written",
    async () => {
      await assertSame(machine, ["chat", "--seed", "3", "--max-tokens", "12"], {
        input: "Tell me a story about a dog.\n/set\n",
        env: { HOME: "/proc", MOENO_HOME: `${machine.folder}/mine` },
      });
    },
  );

  await t.step("serve answers, with its page, and stops", async () => {
    const child = machine.command(["serve", "--port", "0"]).spawn();
    await child.stdin.close();
    const reader = child.stderr.pipeThrough(new TextDecoderStream())
      .getReader();
    let told = "";
    let url: string | undefined;
    while (url === undefined) {
      const { value, done } = await reader.read();
      assert(!done, told);
      told += value;
      url = /Listening on (\S+)/.exec(told)?.[1];
    }
    const page = await (await fetch(url)).text();
    assertStringIncludes(page, "<!doctype html>");
    const answer = await fetch(`${url}/v1/completions`, {
      method: "POST",
      body: JSON.stringify({ prompt, "max_tokens": 12, temperature: 0 }),
    });
    const { choices } = await answer.json();
    assertEquals(choices[0].text, text);
    child.kill("SIGTERM");
    while (!(await reader.read()).done);
    await child.stdout.cancel();
    assertEquals((await child.status).code, 0);
  });

  await t.step("bench measures", async () => {
    const { code, stdout, stderr } = await machine.moeno(
      ["bench", "--json", "--synthetic", "tiny", "--tokens", "1"]
        .concat("--prompt", "1", "--repeat", "1", "--slots", "3"),
    );
    assertEquals(code, 0, stderr);
    assertEquals(JSON.parse(stdout).rows.length, 1);
  });

  await t.step(
    "doctor notices a damaged file and says what to do",
    async () => {
      const args = ["doctor", "--json", "--quiet"];
      const find = (stdout: string): { verdict: string; findings: unknown[] } =>
        JSON.parse(stdout).checks
          .find(({ name }: { name: string }) => name === "program");
      const env = { VK_DRIVER_FILES: "/none", VK_ICD_FILENAMES: "/none" };
      const whole = await machine.moeno(args, { env });
      assertEquals(find(whole.stdout).verdict, "ok");
      const { stdout } = await machine.moeno(["version", "--json"]);
      const { root } = JSON.parse(stdout);
      await Deno.writeTextFile(`${root}LICENSE`, "none");
      const damaged = await machine.moeno(args, { env });
      assertEquals(find(damaged.stdout).verdict, "problem");
      await Deno.remove(root, { recursive: true });
      const mended = await machine.moeno(args, { env });
      assertEquals(find(mended.stdout).verdict, "ok");
    },
  );

  await t.step("its Workers work", async () => {
    using tiny = await tinyCheckpoint({ dtype: "BF16" });
    const to = (name: string) => `${machine.folder}/${name}`;
    const args = ["--attn-bits", "4", "--expert-bits", "4", "--workers", "2"];
    const flags = [
      ...[...args, "--group-size", "16"],
      ...["--attn-scale-group-size", "16", "--expert-scale-group-size", "16"],
    ];
    const expected = await moeno(["quantize", tiny.path, to("a"), ...flags]);
    assertEquals(expected.code, 0, expected.stderr);
    const actual = await machine.moeno([
      "quantize",
      tiny.path,
      to("b"),
      ...flags,
    ]);
    assertEquals(actual.code, 0, actual.stderr);
    assertSameFiles(to("b"), to("a"));
  });
});
