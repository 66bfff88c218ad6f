/** Settings by file and variables, as a user has them: in a process. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { moeno } from "./_program.ts";
import { tempDirectory } from "./_tiny_checkpoint.ts";

const PROMPT = ["generate", "Once upon a time", "--json", "--quiet"];

Deno.test("generate takes its flags from the line, else variables, else a file", async () => {
  using home = tempDirectory();
  const path = `${home.path}/moeno/config.json`;
  // The places of Linux, macOS and Windows; MOENO_CONFIG is not one of them.
  const place = await moeno(["config", "path"], {
    env: {
      XDG_CONFIG_HOME: home.path,
      HOME: home.path,
      APPDATA: home.path,
      MOENO_CONFIG: path,
    },
  });
  assertEquals([place.code, place.stdout, place.stderr], [0, `${path}\n`, ""]);
  const env = { MOENO_CONFIG: path, MOENO_HOME: home.path };
  for (
    const words of [
      ["max-tokens", "5"],
      ["generate.seed", "7"],
      ["temperature", "0"],
      ["stop", "zebra", "xylophone"],
    ]
  ) {
    const { code } = await moeno(["config", "set", ...words], { env });
    assertEquals(code, 0);
  }
  const generate = async (flags: string[], variables = {}) => {
    const { code, stdout, stderr } = await moeno([...PROMPT, ...flags], {
      env: { ...env, ...variables },
    });
    assertEquals([code, stderr], [0, ""]);
    return JSON.parse(stdout);
  };
  const byFile = await generate([]);
  assertEquals([byFile.ids.length, byFile.seed], [5, 7]);
  const mixed = await generate(["--max-tokens=2", "--no-temperature"], {
    MOENO_MAX_TOKENS: "3",
    MOENO_SEED: "8",
    MOENO_TOP_K: "1",
  });
  assertEquals([mixed.ids, mixed.seed], [byFile.ids.slice(0, 2), 8]);
});

Deno.test("config shows what is in force; what is wrong ends with a sentence", async () => {
  using home = tempDirectory();
  const path = `${home.path}/c.json`;
  await Deno.writeTextFile(path, '{"slots": 4, "chat": {"system": "Hi"}}\n');
  const env = { MOENO_CONFIG: path, MOENO_TUNING: "off", MOENO_TOP_P: "0.5" };
  const shown = await moeno(["config"], { env });
  assertEquals([shown.code, shown.stderr], [0, `# ${path}\n`]);
  assertEquals(shown.stdout.split("\n").map((line) => line.split(/ {2,}/)), [
    ["flag", "value", "from"],
    ["chat.system", "Hi", `${path} (chat)`],
    ["top-p", "0.5", "MOENO_TOP_P"],
    ["slots", "4", path],
    ["no-tuning", "true", "MOENO_TUNING"],
    [""],
  ]);
  const cases: [Record<string, string>, number, string][] = [
    [{ MOENO_TOP_P: "2" }, 2, "MOENO_TOP_P is 2, wanted a number from 0 to 1"],
    [
      { MOENO_CONFIG: `${path}x` },
      1,
      "wanted the file that MOENO_CONFIG names",
    ],
    [{ MOENO_CONFIG: home.path }, 1, "it is a directory"],
  ];
  for (const [more, wanted, says] of cases) {
    const { code, stdout, stderr } = await moeno(PROMPT, {
      env: { ...env, ...more },
    });
    assertEquals([code, stdout], [wanted, ""]);
    assert(/^error: [^\n]+\n$/.test(stderr), stderr);
    assertStringIncludes(stderr, says);
  }
  await Deno.writeTextFile(path, '{\n  "slots": 4,\n  // why\n}\n');
  const { code, stderr } = await moeno(PROMPT, { env });
  assertEquals(code, 2);
  assertStringIncludes(stderr, "line 3, column 3 (JSON has no comments)");
});
