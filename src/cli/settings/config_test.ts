import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dirname } from "@std/path";
import { environmentOf, fakeEngine, fakeProcess } from "../_fake_engine.ts";
import { main } from "../main.ts";

/** A place for a configuration that goes away. */
function tempConfig(text?: string): Disposable & { path: string } {
  const folder = Deno.makeTempDirSync({ prefix: "moeno-config-" });
  const path = `${folder}/config.json`;
  if (text !== undefined) Deno.writeTextFileSync(path, text);
  return {
    path,
    [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }),
  };
}

async function run(
  args: string[],
  variables: Record<string, string>,
  engine = fakeEngine(),
) {
  const process = {
    ...fakeProcess(engine),
    environment: environmentOf(variables),
  };
  let [stdout, stderr] = ["", ""];
  process.io = {
    ...process.io,
    out: (text) => void (stdout += text),
    err: (text) => void (stderr += text),
  };
  const code = await main(args, process);
  return { code, stdout, stderr, opened: process.opened };
}

Deno.test("main() takes settings from variables and file, and says what an error is about", async () => {
  using config = tempConfig(
    '{"temperature": 0.25, "model": "/own", "chat": {"verbose": true}}',
  );
  const variables = { MOENO_CONFIG: config.path, MOENO_TOP_K: "3" };
  const engine = fakeEngine();
  const { code, stdout, stderr, opened } = await run(
    ["generate", "a", "--top-p", "0.5", "--verbose"],
    variables,
    engine,
  );
  assertEquals([code, stdout], [0, "!\n"]);
  assertEquals(engine.options[0]!.temperature, 0.25);
  assertEquals([engine.options[0]!.topK, engine.options[0]!.topP], [3, 0.5]);
  assertEquals(opened[0]!.directory, "/own");
  assert(
    stderr.startsWith(
      `# --temperature 0.25 by ${config.path}\n# --top-k 3 by MOENO_TOP_K\n` +
        `# --model /own by ${config.path}\n`,
    ),
    stderr,
  );
  const named = await run(["bench", "--prompt", "1"], {
    MOENO_MODEL: "/a",
    MOENO_SYNTHETIC: "tiny",
  });
  assertEquals(named.code, 2);
  assertEquals(
    named.stderr,
    "error: --synthetic does not go with --model\n" +
      "# --model is set by MOENO_MODEL\n# --synthetic is set by MOENO_SYNTHETIC\n",
  );
  const shown = await run(["bench"], { MOENO_MODEL: "/none/such" });
  assertEquals(shown.code, 1);
  assertStringIncludes(shown.stderr, "error: Cannot read /none/such/config");
  assert(shown.stderr.endsWith("\n# --model is set by MOENO_MODEL\n"));
});

Deno.test("main() needs no settings for help, and has debug from there", async () => {
  using config = tempConfig("{");
  const variables = { MOENO_CONFIG: config.path };
  for (
    const args of [["help"], ["chat", "-h"], ["version"], ["config", "-h"]]
  ) {
    assertEquals((await run(args, variables)).code, 0);
  }
  assertEquals(
    await run(["config", "path"], variables),
    { code: 0, stdout: `${config.path}\n`, stderr: "", opened: [] },
  );
  const wrong = await run(["generate", "a"], variables);
  assertEquals([wrong.code, wrong.opened], [2, []]);
  assertEquals(
    wrong.stderr,
    `error: Cannot read ${config.path}: JSON ends at line 1, column 2, wanted a key\n`,
  );
  const debug = await run(["bench"], { MOENO_DEBUG: "1", MOENO_MODEL: "/no" });
  assertStringIncludes(debug.stderr, "    at ");
  const missing = await run(["generate", "a"], { MOENO_CONFIG: "/none.json" });
  assertEquals([missing.code, missing.stderr], [
    1,
    "error: Cannot read /none.json: there is no such file, wanted the file " +
    "that MOENO_CONFIG names; MOENO_CONFIG=off does without\n",
  ]);
  for (const HOME of ["/none", ""]) {
    assertEquals((await run(["generate", "a"], { HOME })).code, 0);
  }
});

Deno.test("main() tells of variables that are misspelt, unless quiet", async () => {
  const variables = { MOENO_TEMPRATURE: "1" };
  const { stderr } = await run(["generate", "a"], variables);
  assert(stderr.startsWith("# MOENO_TEMPRATURE sets no flag; did you mean"));
  const quiet = await run(["generate", "a", "--quiet"], variables);
  assertEquals(quiet.stderr, "");
});

Deno.test("config shows what is set, and where from", async () => {
  using config = tempConfig(
    `{"temperature": 0.7, "slots": "4,2", "json": false, "seed": 1, "ram": null,
      "chat": {"system": "Be\\nbrief.", "seed": 3}, "bench": {"slots": "8,2"}}`,
  );
  const { path } = config;
  const variables = { MOENO_CONFIG: path, MOENO_TUNING: "off", MOENO_RAM: "" };
  const all = await run(["config"], { ...variables, MOENO_TEMPERATURE: "0.5" });
  assertEquals([all.code, all.stderr], [0, `# ${path}\n`]);
  const rows = all.stdout.trimEnd().split("\n").map((line) =>
    line.split(/ {2,}/)
  );
  const chat = `${path} (chat)`;
  assertEquals(rows, [
    ["flag", "value", "from"],
    ["chat.system", '"Be\\nbrief."', chat],
    ["temperature", "0.5", "MOENO_TEMPERATURE"],
    ["chat.seed", "3", chat],
    ["slots", "4,2", path],
    ["ram", "default", path],
    ["no-tuning", "true", "MOENO_TUNING"],
    ["json", "false", path],
    ["seed", "1", path],
    ["bench.slots", "8,2", `${path} (bench)`],
  ]);
  const one = await run(["config", "bench", "--json", "--quiet"], variables);
  assertEquals([one.code, one.stderr], [0, ""]);
  const row = { from: "file", source: path };
  assertEquals(JSON.parse(one.stdout), {
    path,
    isThere: true,
    rows: [
      { ...row, name: "json", value: false, text: "false" },
      {
        name: "slots",
        value: ["8", "2"],
        text: "8,2",
        from: "file",
        source: `${path} (bench)`,
      },
      { ...row, name: "ram", value: null, text: "default" },
      {
        name: "no-tuning",
        value: true,
        text: "true",
        from: "variable",
        source: "MOENO_TUNING",
      },
    ],
  });
  const every = await run(["config", "chat", "--all"], variables);
  assertStringIncludes(every.stdout, "top-k ");
  assert(/^top-k +the model's own, or 40 +default$/m.test(every.stdout));
  assert(/^seed +3 +\S+ \(chat\)$/m.test(every.stdout));
  assert(!every.stdout.includes("help"));
  const programs = await run(["config", "--all"], variables);
  assert(/^quantize.expert-bits +2, or as in /m.test(programs.stdout));
  assert(/^chat.expert-bits +as in the checkp/m.test(programs.stdout));
});

Deno.test("config says when nothing is set", async () => {
  assertEquals(await run(["config"], { HOME: "/none" }), {
    code: 0,
    stdout: "",
    stderr: "# Nothing is set; /none/.config/moeno/config.json is not there\n",
    opened: [],
  });
  const off = await run(["config", "--json"], { MOENO_CONFIG: "off" });
  assertEquals(off.stdout, '{"path":null,"isThere":false,"rows":[]}\n');
  assertEquals(off.stderr, "# Nothing is set; no file: MOENO_CONFIG is off\n");
  const path = await run(["config", "path"], { MOENO_CONFIG: "off" });
  assertEquals([path.code, path.stdout], [1, ""]);
});

Deno.test("config set and unset write the file", async () => {
  using config = tempConfig();
  const { path } = config;
  const own = `${path.slice(0, -5)}/deep/own.json`;
  const variables = { MOENO_CONFIG: own, MOENO_TOP_K: "2" };
  const steps: [string[], string, unknown][] = [
    [["set", "temperature", "0.70"], `temperature is 0.7 in ${own}`, {
      temperature: 0.7,
    }],
    [["set", "chat.system", "7"], `chat.system is "7" in ${own}`, {
      temperature: 0.7,
      chat: { system: "7" },
    }],
    [["set", "chat.vram", "12GiB"], `chat.vram is "12GiB" in ${own}`, {
      temperature: 0.7,
      chat: { system: "7", vram: "12GiB" },
    }],
    [["unset", "temperature"], `temperature is no longer in ${own}`, {
      chat: { system: "7", vram: "12GiB" },
    }],
    [["unset", "chat.vram"], `chat.vram is no longer in ${own}`, {
      chat: { system: "7" },
    }],
    [["unset", "chat.system"], `chat.system is no longer in ${own}`, {}],
    [["set", "stop", "a", "7"], `stop is ["a","7"] in ${own}`, {
      stop: ["a", "7"],
    }],
    [["set", "stop", '["a","7"]'], `stop is ["a","7"] in ${own}`, {
      stop: ["a", "7"],
    }],
    [["set", "stop", "b"], `stop is ["b"] in ${own}`, { stop: ["b"] }],
    [["set", "tuning", "off"], `tuning is false in ${own}`, {
      stop: ["b"],
      tuning: false,
    }],
    [["set", "bench.slots", "8/2"], `bench.slots is "8/2" in ${own}`, {
      stop: ["b"],
      tuning: false,
      bench: { slots: "8/2" },
    }],
    [
      ["set", "top-k", "3"],
      `top-k is 3 in ${own}\n# MOENO_TOP_K is set and goes before it`,
      { stop: ["b"], tuning: false, bench: { slots: "8/2" }, "top-k": 3 },
    ],
  ];
  for (const [words, note, json] of steps) {
    const result = await run(["config", ...words], variables);
    assertEquals([result.code, result.stdout], [0, ""]);
    assertEquals(result.stderr, `# ${note}\n`);
    assertEquals(JSON.parse(await Deno.readTextFile(own)), json);
  }
  const json = await run(
    ["config", "set", "quiet", "yes", "--json", "--quiet"],
    variables,
  );
  assertEquals([json.stderr, JSON.parse(json.stdout)], [
    "",
    { path: own, key: "quiet", value: true },
  ]);
});

Deno.test("config set goes through links and keeps who may read", async () => {
  using config = tempConfig('{"seed": 1}');
  const { path } = config;
  const link = `${path}.link`;
  await Deno.symlink(path, link);
  await Deno.chmod(path, 0o600);
  const set = ["config", "set", "seed", "2"];
  assertEquals((await run(set, { MOENO_CONFIG: link })).code, 0);
  assertEquals(await Deno.readTextFile(path), '{\n  "seed": 2\n}\n');
  assert((await Deno.lstat(link)).isSymlink);
  assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
});

Deno.test("config says in a sentence what does not go, and leaves the file", async () => {
  const text = '{"seed": 1}';
  using config = tempConfig(text);
  using broken = tempConfig("{]");
  const { path } = config;
  const cases: [string[], number, string][] = [
    [
      ["bogus"],
      2,
      'config takes a command, path, set or unset, received "bogus',
    ],
    [["chta"], 2, 'received "chta"; did you mean chat?'],
    [
      ["chat", "x"],
      2,
      "config takes one command, path, set or unset, received",
    ],
    [
      ["path", "x"],
      2,
      "config takes one command, path, set or unset, received",
    ],
    [["set"], 2, "config set needs a key and a value, as in config set temper"],
    [["set", "seed"], 2, "config set needs a key and a value"],
    [["unset"], 2, "config unset needs one key"],
    [["unset", "seed", "1"], 2, "config unset needs one key"],
    [["unset", "top-k"], 1, `Cannot unset top-k: it is not in ${path}`],
    [["set", "sed", "1"], 2, 'no command has a flag "sed"; did you mean seed?'],
    [["set", "chat.sed", "1"], 2, 'chat has no flag "sed"; did you mean seed?'],
    [["set", "chta.seed", "1"], 2, '"chta" is an object, but no command; did'],
    [["set", "seed", "x"], 2, 'seed is "x", wanted an integer from 0 to'],
    [["set", "seed", "1", "2"], 2, "seed is 2 values, wanted one"],
    [["set", "quiet", "2"], 2, 'quiet is "2", wanted one of 1, true, on, yes'],
    [["set", "force", "on"], 2, "force is for the command line only"],
    [["set", "slots", "8/2"], 2, ", by chat; bench.slots sets it for bench al"],
  ];
  for (const [words, wanted, says] of cases) {
    const { code, stdout, stderr } = await run(["config", ...words], {
      MOENO_CONFIG: path,
    });
    assertStringIncludes(stderr, says);
    assert(/^error: [^\n]+\n$/.test(stderr), stderr);
    assertEquals([code, stdout], [wanted, ""]);
  }
  assertEquals(await Deno.readTextFile(path), text);
  for (const words of [[], ["set", "seed", "2"], ["unset", "seed"]]) {
    const { code, stderr } = await run(["config", ...words], {
      MOENO_CONFIG: broken.path,
    });
    assertEquals(code, 2);
    assertStringIncludes(stderr, 'found "]" at line 1, column 2, wanted a key');
  }
});

Deno.test("config set says where else settings can be if it cannot write them", async () => {
  if (Deno.build.os === "windows") return; // links take rights there
  using config = tempConfig();
  const home = dirname(config.path);
  // A link to nowhere is as good as a folder that is read-only, even for root.
  await Deno.symlink(`${home}/nowhere`, `${home}/moeno`);
  const { code, stdout, stderr } = await run(["config", "set", "seed", "2"], {
    XDG_CONFIG_HOME: home,
  });
  assertEquals([code, stdout], [1, ""]);
  assertStringIncludes(stderr, `error: Cannot write to ${home}/moeno: `);
  assertStringIncludes(
    stderr,
    ", wanted the path of another file in MOENO_CONFIG\n",
  );
});

Deno.test("config set keeps a key from the screen and from other users", async () => {
  using config = tempConfig();
  const { path } = config;
  const variables = { MOENO_CONFIG: path };
  const set = ["config", "set", "serve.api-key", "sesame"];
  for (const flags of [[], ["--json"]]) {
    const { code, stdout, stderr } = await run([...set, ...flags], variables);
    assertEquals([code, stderr], [0, `# serve.api-key is "***" in ${path}\n`]);
    assert(!stdout.includes("sesame"), stdout);
  }
  const written = JSON.parse(await Deno.readTextFile(path));
  assertEquals(written, { serve: { "api-key": "sesame" } });
  if (Deno.build.os === "windows") return; // it has no modes
  assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
  // Whoever lets others read the file keeps it so.
  await Deno.chmod(path, 0o644);
  await run(["config", "set", "seed", "1"], variables);
  assertEquals((await Deno.stat(path)).mode! & 0o777, 0o644);
});
