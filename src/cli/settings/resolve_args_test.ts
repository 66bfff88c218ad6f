import { assert, assertEquals, assertThrows } from "@std/assert";
import { environmentOf } from "../_fake_engine.ts";
import { type Flag, oppositeOf, parseFlags, parseValue } from "../args.ts";
import type { Command } from "../command.ts";
import { COMMANDS } from "../commands.ts";
import { UsageError } from "../usage_error.ts";
import { type ConfigFile, parseConfig } from "./config_file.ts";
import { NEEDS, resolveArgs } from "./resolve_args.ts";
import { variableOf } from "./variables.ts";

function command(name: string): Command {
  return COMMANDS.find((command) => command.name === name)!;
}

function fileOf(json: unknown): ConfigFile {
  return parseConfig(JSON.stringify(json), "/c.json", COMMANDS);
}

function resolve(name: string, { typed = [], variables = {}, file = {} }: {
  typed?: string[];
  variables?: Record<string, string>;
  file?: unknown;
}) {
  return resolveArgs(
    command(name),
    parseFlags(command(name).flags, typed),
    { environment: environmentOf(variables), file: fileOf(file) },
  );
}

/** All flags that settings may set, with their commands. */
const SETTABLE = COMMANDS.flatMap((command) =>
  command.flags.filter(({ isTypedOnly }) => !isTypedOnly)
    .map((flag) => ({ command, flag }))
);

/** Texts of which any flag takes one, whatever it wants. */
const TEXTS = ["2", "0", "1", "auto", "12GiB", "5,4", "0.5", "a", "off"]
  .concat("/a", "http://a/", "a/b", "lru", "4/2");

function textFor(flag: Flag): string {
  if (flag.value === undefined) return "true";
  const texts = [...(flag.choices ?? []).map(String), ...TEXTS];
  const text = texts.find((text) => {
    try {
      parseValue(flag, text);
      return true;
    } catch {
      return false;
    }
  });
  if (text === undefined) throw new Error(`No text for --${flag.name}`);
  return text;
}

function typedFor({ name, value }: Flag, text: string): string[] {
  return value === undefined ? [`--${name}`] : [`--${name}`, text];
}

Deno.test("resolveArgs() sets every flag of every command by variable and file", () => {
  for (const { command, flag } of SETTABLE) {
    const label = `${command.name} --${flag.name}`;
    const text = textFor(flag);
    const { flags } = command;
    const [, needed] = NEEDS.find(([name]) => name === flag.name) ?? [];
    const more = needed === undefined
      ? []
      : typedFor(flags.find(({ name }) => name === needed)!, "tiny");
    const wanted = parseFlags(flags, [...typedFor(flag, text), ...more]).values;
    const json = flag.value === undefined ? true : text;
    const variables = { [variableOf(flag.name)]: text };
    const ways = [
      { variables },
      { file: { [flag.name]: json } },
      { file: { [command.name]: { [flag.name]: json } } },
    ];
    for (const way of ways) {
      const { values, settings } = resolve(command.name, {
        typed: more,
        ...way,
      });
      assertEquals(values, wanted, label);
      assertEquals(settings.map(({ flag }) => flag.name), [flag.name], label);
      // The command line has the last word.
      const back = resolve(command.name, {
        typed: [`--${oppositeOf(flag.name)}`],
        ...way,
      });
      const off = flag.value === undefined ? { [flag.option]: false } : {};
      assertEquals([back.values, back.settings], [off, []], label);
    }
    if (flag.value !== undefined) continue;
    const off = resolve(command.name, { file: { [flag.name]: false } });
    assertEquals(off.values, { [flag.option]: false }, label);
  }
});

Deno.test("no flag can be set that destroys, or has the variable of something else", () => {
  const names = new Set(SETTABLE.map(({ flag }) => flag.name));
  for (const name of ["force", "yes", "help"]) assert(!names.has(name), name);
  for (const name of ["config", "home", "long", "all-ways", "tuning"]) {
    assert(!names.has(name), `MOENO_ of --${name} means something else`);
  }
});

Deno.test("resolveArgs() has flag before variable, that before section, that before file", () => {
  const typed = ["--temperature", "0.1", "--stop", "a", "--no-ignore-eos"];
  const variables = {
    MOENO_TEMPERATURE: "0.2",
    MOENO_STOP: '["b","c"]',
    MOENO_IGNORE_EOS: "on",
    MOENO_STORE: "disk",
  };
  const section = {
    temperature: 0.3,
    stop: ["d"],
    "ignore-eos": true,
    store: "pinned",
    vram: "3G",
    seed: null,
  };
  const common = {
    temperature: 0.4,
    stop: "e",
    "ignore-eos": true,
    store: "auto",
    vram: "4G",
    seed: 4,
    "top-k": 4,
  };
  const file = { ...common, chat: section };
  const shared = { vramByteLength: 3 * 2 ** 30, topK: 4 };
  const values = (name: string, options: Parameters<typeof resolve>[1]) =>
    resolve(name, options).values;
  assertEquals(values("chat", { typed, variables, file }), {
    ...shared,
    temperature: 0.1,
    stop: ["a"],
    ignoreEos: false,
    store: "disk",
  });
  assertEquals(values("chat", { variables, file }), {
    ...shared,
    temperature: 0.2,
    stop: ["b", "c"],
    ignoreEos: true,
    store: "disk",
  });
  assertEquals(values("chat", { file }), {
    ...shared,
    temperature: 0.3,
    stop: ["d"],
    ignoreEos: true,
    store: "pinned",
  });
  assertEquals(values("generate", { file }), {
    temperature: 0.4,
    stop: ["e"],
    ignoreEos: true,
    store: "auto",
    vramByteLength: 4 * 2 ** 30,
    seed: 4,
    topK: 4,
  });
  // What takes it back is a value, too.
  const back = ["--no-temperature", "--no-stop", "--no-store", "--no-vram"];
  assertEquals(values("chat", { typed: back, variables, file }), {
    topK: 4,
    ignoreEos: true,
  });
});

Deno.test("resolveArgs() leaves out what has no room beside an earlier source", () => {
  const slots = { slots: 3 };
  const cases: [string, Parameters<typeof resolve>[1], unknown][] = [
    [
      "chat",
      { typed: ["--offload-per-layer", "0"], file: slots },
      { offloadPerLayer: 0 },
    ],
    [
      "chat",
      { variables: { MOENO_SLOTS: "2" }, file: { "offload-per-layer": 4 } },
      { slots: 2 },
    ],
    [
      "bench",
      { typed: ["--synthetic", "tiny"], file: { model: "m" } },
      { synthetic: "tiny" },
    ],
    [
      "bench",
      { typed: ["--model", "m"], file: { bench: { synthetic: "tiny" } } },
      { model: "m" },
    ],
    [
      "bench",
      { file: { model: "m", bench: { synthetic: "tiny", "hit-rate": 0.5 } } },
      { synthetic: "tiny", hitRates: [0.5] },
    ],
    [
      "bench",
      {
        typed: ["--model", "m"],
        file: { bench: { synthetic: "tiny", "hit-rate": 0.5 } },
      },
      { model: "m" },
    ],
    [
      "bench",
      { typed: ["--markdown"], variables: { MOENO_JSON: "1" } },
      { markdown: true },
    ],
    [
      "generate",
      { typed: ["--raw"], file: { generate: { chat: true, system: "s" } } },
      { raw: true },
    ],
    [
      "generate",
      { typed: ["--no-raw"], file: { generate: { system: "s" } } },
      { raw: false, system: "s" },
    ],
    // Ousted itself, it ousts nothing.
    [
      "generate",
      {
        typed: ["--chat"],
        variables: { MOENO_RAW: "1" },
        file: { system: "s" },
      },
      { chat: true, system: "s" },
    ],
    ["generate", { variables: { MOENO_LOGPROBS: "2" } }, {}],
    [
      "generate",
      { typed: ["--json"], variables: { MOENO_LOGPROBS: "2" } },
      { json: true, logprobs: 2 },
    ],
    [
      "quantize",
      {
        typed: ["--group-size", "32"],
        file: { "attn-group-size": 64, quantize: { "group-size": 16 } },
      },
      { groupSize: 32 },
    ],
    [
      "quantize",
      { typed: ["--attn-group-size", "64"], file: { "group-size": 16 } },
      { attnGroupSize: 64, groupSize: 16 },
    ],
    ["chat", { file: { synthetic: "tiny" } }, {}],
    ["chat", { typed: ["--quiet"], file: { verbose: true } }, { quiet: true }],
  ];
  for (const [name, options, values] of cases) {
    const label = `${name} ${JSON.stringify(options)}`;
    assertEquals(resolve(name, options).values, values, label);
  }
});

Deno.test("resolveArgs() judges what is in force only", () => {
  const file = { temperature: "hot", bench: { repeat: 0 } };
  const wrong = 'Cannot use /c.json: temperature is "hot", wanted a number';
  assertThrows(() => resolve("chat", { file }), UsageError, wrong);
  const typed = ["--temperature", "1"];
  assertEquals(resolve("chat", { typed, file }).values, { temperature: 1 });
  assertThrows(
    () => resolve("bench", { file }),
    UsageError,
    "Cannot use /c.json: bench.repeat is 0, wanted an integer of at least 1",
  );
});
