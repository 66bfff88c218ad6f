/** The real program with Deno's permissions: no more than a command needs. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { COMMANDS } from "../src/cli/commands.ts";
import {
  type CommandPermissions,
  type Permission,
  permissionFlags,
  PERMISSIONS,
} from "../src/cli/permissions.ts";
import { count } from "./_counts.ts";
import { moeno, PROGRAM, start } from "./_program.ts";
import { MODEL, pullLab } from "./_pull.ts";
import { HAS_TERMINAL, KEYS, Terminal } from "./_terminal.ts";
import { STORIES, tempDirectory, tinyCheckpoint } from "./_tiny_checkpoint.ts";

const ROOT = fromFileUrl(new URL("..", import.meta.url)).replace(/\/$/, "");
/** Too small for scales in groups of 256. */
const GROUPS = ["attn", "expert"].flatMap((part) => [
  `--${part}-scale-group-size=64`,
]);

/** What others show too, in less time; `MOENO_LONG=1` runs them. */
const SLOW = ["perplexity", "quality", "bench", "tune"];
const isLong = Deno.env.has("MOENO_LONG");

/** A command line, and what scopes stand for in it. */
interface Case {
  readonly args: readonly string[];
  readonly scopes?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What the command is to have done. */
  readonly check?: (stdout: string) => void | Promise<void>;
}

/** Puts paths in the place of what stands for them. */
function filled(
  permissions: readonly Permission[],
  scopes: Readonly<Record<string, string>>,
): Permission[] {
  return permissions.map((permission) => ({
    ...permission,
    scope: permission.scope.split(",").map((part) =>
      part.replace(
        /^<\w+>|^huggingface\.co$|^127\.0\.0\.1:8080$/,
        (name) => scopes[name] ?? `/nowhere/${name.slice(1, -1)}`,
      )
    ).join(","),
  }));
}

async function run(
  { args, input, env, scopes = {} }: Case,
  permissions: readonly Permission[],
) {
  const flags = permissionFlags(
    filled(permissions, { "<program>": ROOT, ...scopes }),
  );
  const result = await moeno(args, {
    ...input !== undefined && { input },
    ...env !== undefined && { env },
    permissions: ["--no-prompt", ...flags],
  });
  return { ...result, flags: flags.join(" ") };
}

Deno.test("every command runs with what it needs, and says what is missing", async () => {
  using place = tempDirectory();
  using tiny = await tinyCheckpoint({
    config: {
      "vocab_size": 4096,
      "hidden_size": 128,
      "intermediate_size": 128,
      "num_hidden_layers": 1,
    },
    dtype: "BF16",
  });
  await using lab = pullLab();
  const home = lab.home;
  const path = (name: string) => `${place.path}/${name}`;
  for (const name of ["texts", "traces", "targets"]) {
    await Deno.mkdir(path(name));
  }
  const text = path("texts/a.txt");
  await Deno.copyFile(`${STORIES}/eval_stories.txt`, text);
  await Deno.copyFile(
    fromFileUrl(new URL("testdata/routing/stories_17m.trace", import.meta.url)),
    path("traces/a.trace"),
  );
  const env = { MOENO_HOME: home, MOENO_TUNING: "off" };
  const windows = ["--window", "16", "--windows", "1"];
  const small = { "<model>": tiny.path, "<text>": path("texts") };
  const short = ["--model", tiny.path];
  const cases: Record<string, Case> = {
    chat: {
      args: ["chat", ...short, "--max-tokens", "2"],
      scopes: small,
      input: "Hi\n/system Be nice\n",
      check: (stdout) => assert(stdout.trim() !== ""),
    },
    generate: {
      args: ["generate", "Once", ...short, "--max-tokens", "2"],
      scopes: small,
      check: (stdout) => assert(stdout.trim() !== ""),
    },
    plan: { args: ["plan", "--no-measure", ...short], scopes: small },
    show: { args: ["show", tiny.path], scopes: small },
    doctor: { args: ["doctor"] },
    list: { args: ["list"] },
    verify: {
      args: ["verify", "--quick", "--tokens", "4", "--positions", "2"]
        .concat(short),
      scopes: small,
    },
    perplexity: {
      args: ["perplexity", text, ...short, ...windows],
      scopes: small,
    },
    quality: {
      args: ["quality", text, ...short, ...windows, ...GROUPS]
        .concat("--attn-bits", "16,4", "--expert-bits", "16"),
      scopes: small,
    },
    quantize: {
      args: ["quantize", tiny.path, path("targets/q"), ...GROUPS],
      scopes: { ...small, "<target>": path("targets") },
      check: async () => void await Deno.stat(path("targets/q/config.json")),
    },
    trace: {
      args: ["trace", path("traces/a.trace")],
      scopes: { "<traces>": path("traces") },
    },
    bench: {
      args: ["bench", ...short, "--tokens", "2", "--repeat", "1"],
      scopes: small,
    },
    pull: {
      args: ["pull", MODEL, "--endpoint", lab.hub.endpoint],
      scopes: { "<home>": home, "huggingface.co": "127.0.0.1" },
      env,
      check: (stdout) => assertEquals(stdout, `${lab.directory}\n`),
    },
    rm: {
      args: ["rm", MODEL, "--yes"],
      scopes: { "<home>": home },
      env,
      check: async () => assertEquals(await exists(lab.directory), false),
    },
    tune: { args: ["tune"], scopes: { "<home>": home }, env },
    config: { args: ["config"] },
    completion: { args: ["completion", "bash"] },
    help: { args: ["help", "chat"] },
    version: { args: ["version"] },
  };
  // Serving does not end, and has a test of its own.
  const names = Object.keys(PERMISSIONS);
  assertEquals(names, COMMANDS.map(({ name }) => name));
  assertEquals(
    Object.keys(cases).toSorted(),
    names.filter((name) => name !== "serve").toSorted(),
  );
  let runs = 0;
  for (const name of names) {
    const it = cases[name];
    if (it === undefined || SLOW.includes(name) && !isLong) continue;
    const { needs } = PERMISSIONS[name]!;
    if (name !== "verify" || isLong) runs += await missingOnes(it, needs);
    const { code, stdout, stderr, flags } = await run(it, needs);
    assertEquals(code, 0, `${name} with ${flags}: ${stderr}`);
    await it.check?.(stdout);
    runs++;
  }
  count("permissions", "cases tried", runs);
});

/** Without any one of them a command ends with a sentence that names it. */
async function missingOnes(
  it: Case,
  needs: CommandPermissions["needs"],
): Promise<number> {
  for (const missing of needs) {
    const others = needs.filter((permission) => permission !== missing);
    const { code, stderr, flags } = await run(it, others);
    const label = `${it.args[0]} with ${flags}: ${stderr}`;
    assertEquals(code, 1, label);
    // Without a variable nobody knows where our folder is.
    const wanted = missing.kind === "env"
      ? /MOENO_HOME|no fetched model/
      : new RegExp(`allow-${missing.kind}`);
    assert(wanted.test(stderr.split("error: ").at(-1)!), label);
  }
  return needs.length;
}

Deno.test("generate makes use of all that it may", async () => {
  using place = tempDirectory();
  using model = await tinyCheckpoint({ config: { "vocab_size": 4096 } });
  const path = (name: string) => `${place.path}/${name}`;
  for (const name of ["home", "config", "traces"]) await Deno.mkdir(path(name));
  await Deno.writeTextFile(path("config/c.json"), '{"max-tokens": 2}');
  const { needs, uses } = PERMISSIONS.generate!;
  const { code, stderr } = await run({
    args: ["generate", "Once", "--model", model.path, "--verbose"]
      .concat("--trace", path("traces/a.trace")),
    env: {
      MOENO_CONFIG: path("config/c.json"),
      MOENO_HOME: path("home"),
      MOENO_SEED: "7",
      MOENO_TUNING: "on",
    },
    scopes: {
      "<model>": model.path,
      "<config>": path("config"),
      "<home>": path("home"),
      "<traces>": path("traces"),
    },
  }, [...needs, ...uses]);
  assertEquals(code, 0, stderr);
  for (
    const line of [
      `# --max-tokens 2 by ${path("config/c.json")}\n`,
      "# --seed 7 by MOENO_SEED\n",
      "# tuning: the defaults",
      `# ${path("traces/a.trace")}: routing of `,
    ]
  ) assertStringIncludes(stderr, line);
});

Deno.test("serve listens where it may, and nowhere else", async () => {
  using model = await tinyCheckpoint({ config: { "vocab_size": 4096 } });
  const port = freePort();
  const it = {
    args: ["serve", "--model", model.path, "--port", String(port)],
    scopes: {
      "<model>": model.path,
      "127.0.0.1:8080": `127.0.0.1:${port}`,
    },
  };
  const { needs } = PERMISSIONS.serve!;
  await missingOnes(it, needs);
  // Nobody else may ask unless that is typed.
  const everywhere = { ...it, args: [...it.args, "--host", "0.0.0.0"] };
  const refused = await run(everywhere, needs);
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.stderr, `net access to "0.0.0.0:${port}"`);
  const child = start(it.args, {
    permissions: ["--no-prompt", ...permissionFlags(filled(needs, it.scopes))],
  });
  await child.stdin.close();
  try {
    let said = "";
    const texts = child.stderr.pipeThrough(new TextDecoderStream());
    // It would end if nobody could read what it says of requests.
    for await (const text of texts.values({ preventCancel: true })) {
      said += text;
      if (/Listening on .*\n/.test(said)) break;
    }
    void texts.pipeTo(new WritableStream()).catch(() => {});
    assertStringIncludes(said, `Listening on http://127.0.0.1:${port}\n`);
    const response = await fetch(`http://127.0.0.1:${port}/v1/completions`, {
      method: "POST",
      body: JSON.stringify({ prompt: "Once", max_tokens: 2 }),
    });
    const { usage } = await response.json();
    assertEquals(usage.completion_tokens, 2);
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await child.stdout.cancel();
  }
});

Deno.test({
  name: "chat on a terminal needs no more than its model",
  ignore: !HAS_TERMINAL,
  async fn() {
    using model = await tinyCheckpoint({ config: { "vocab_size": 4096 } });
    const args = ["chat", "--model", model.path, "--max-tokens", "2"];
    await using chat = await Terminal.open(PROGRAM, args, {
      permissions: ["--no-prompt", `--allow-read=${model.path}`],
      columns: 200,
      env: { NO_COLOR: "1" },
    });
    await chat.until("\n>");
    await chat.type("Hi", KEYS.enter);
    await chat.until("# 2 tokens");
    await chat.type("/save dog", KEYS.enter);
    await chat.until("error: Cannot find a folder for dog: ");
    await chat.type(`/save ${model.path}/dog.json`, KEYS.enter);
    await chat.until(/error: Cannot .*--allow-write=/);
    await chat.type(KEYS.ctrl("D"));
    assertEquals(await chat.code(), 0);
  },
});

/** A port that was free a moment ago. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
