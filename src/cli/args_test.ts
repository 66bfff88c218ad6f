import { assertEquals, assertThrows } from "@std/assert";
import { type Flag, parseFlags } from "./args.ts";
import { generateOptions, LOAD_FLAGS, loadOptions } from "./flags.ts";
import { SAMPLING_FLAGS } from "./sampling_flags.ts";
import { UsageError } from "./usage_error.ts";

const FLAGS: readonly Flag[] = [
  ...SAMPLING_FLAGS,
  ...LOAD_FLAGS,
  { name: "system", option: "system", value: "<text>", help: "" },
  { name: "json", option: "json", help: "" },
  { name: "help", option: "help", letter: "h", help: "" },
];

Deno.test("parseFlags() reads values of each kind", () => {
  const { values, positional } = parseFlags(FLAGS, [
    "--temperature",
    "0.5",
    "--top-k=20",
    "Once",
    "--stop",
    "a",
    "--stop",
    "b",
    "--json",
    "upon",
    "-m",
    "dir",
    "--expert-bits",
    "2",
  ]);
  assertEquals(values, {
    temperature: 0.5,
    topK: 20,
    stop: ["a", "b"],
    json: true,
    model: "dir",
    expertBits: 2,
  });
  assertEquals(positional, ["Once", "upon"]);
  assertEquals(generateOptions(values), {
    temperature: 0.5,
    topK: 20,
    stop: ["a", "b"],
  });
});

Deno.test("parseFlags() takes values that look like flags or like nothing", () => {
  const { values, positional } = parseFlags(FLAGS, [
    "--penalty-window",
    "-1",
    "--presence-penalty=-0.5",
    "--stop",
    "--json",
    "--system",
    "",
    "--json",
    "true",
    "007",
    "-",
    "--",
    "--help",
  ]);
  assertEquals(values, {
    penaltyWindow: -1,
    presencePenalty: -0.5,
    stop: ["--json"],
    system: "",
    json: true,
  });
  assertEquals(positional, ["true", "007", "-", "--help"]);
});

Deno.test("parseFlags() takes a name that begins with no- as a name", () => {
  const { values } = parseFlags(FLAGS, ["--no-tuning", "--json"]);
  assertEquals(values, { noTuning: true, json: true });
  assertEquals(loadOptions(values), { tuning: "off" });
  assertThrows(
    () => parseFlags(FLAGS, ["--no-tunin"]),
    UsageError,
    "Unknown flag --no-tunin; did you mean --no-tuning?",
  );
  assertThrows(
    () => parseFlags(FLAGS, ["--no-tuning=1"]),
    UsageError,
    "--no-tuning takes no value",
  );
});

Deno.test("parseFlags() takes back what --no-<flag> names, up to there", () => {
  const parse = (...args: string[]) => {
    const { values, undone } = parseFlags(FLAGS, args);
    return [values, [...undone]];
  };
  assertEquals(parse("--no-json", "--tuning"), [
    { json: false, noTuning: false },
    [],
  ]);
  assertEquals(parse("--json", "--no-json"), [{ json: false }, []]);
  assertEquals(parse("--no-json", "--json"), [{ json: true }, []]);
  assertEquals(parse("--no-seed", "--seed", "2"), [{ seed: 2 }, []]);
  assertEquals(parse("--seed", "2", "--no-seed"), [{}, ["seed"]]);
  assertEquals(
    parse("--stop", "a", "--no-stop", "--stop=b", "--stop", "--no-stop"),
    [{ stop: ["b", "--no-stop"] }, []],
  );
  const cases: [string[], string][] = [
    [["--no-json=1"], "--no-json takes no value"],
    [["--no-seed=1"], "--no-seed takes no value"],
    [["--seed", "x", "--no-seed"], '--seed is "x", wanted an integer'],
    [["--no-sed"], "Unknown flag --no-sed; did you mean --no-seed?"],
  ];
  for (const [args, message] of cases) {
    assertThrows(() => parseFlags(FLAGS, args), UsageError, message);
  }
});

Deno.test("parseFlags() takes a flag's own name before the opposite of another", () => {
  const flags = [
    { name: "trace", option: "trace", value: "<path>", help: "" },
    { name: "no-trace", option: "noTrace", help: "" },
  ];
  const { values } = parseFlags(flags, ["--trace=a", "--no-trace"]);
  assertEquals(values, { trace: "a", noTrace: true });
});

Deno.test("parseFlags() takes the last value of a flag", () => {
  const { values } = parseFlags(FLAGS, ["--seed", "1", "--seed", "2"]);
  assertEquals(values, { seed: 2 });
});

Deno.test("parseFlags() says in a sentence what is wrong", () => {
  const cases: [string[], string][] = [
    [["--tempratur", "1"], "Unknown flag --tempratur; did you mean --temp"],
    [["--tempratur=1"], "Unknown flag --tempratur; did you mean --temper"],
    [["--zzzzzzzzz"], "Unknown flag --zzzzzzzzz; text that begins with a d"],
    [["-x"], "Unknown flag -x"],
    [["--temperature"], "--temperature has no value, wanted <t>"],
    [["--temperature", "hot"], '--temperature is "hot", wanted a number of a'],
    [["--temperature", "-1"], "--temperature is -1, wanted a number of at l"],
    [["--temperature="], '--temperature is "", wanted a number of at least 0'],
    [["--top-k", "0x10"], '--top-k is "0x10", wanted an integer of at least'],
    [["--top-k", "1.5"], "--top-k is 1.5, wanted an integer of at least 0"],
    [["--top-p", "1e999"], "--top-p is 1e999, wanted a number from 0 to 1"],
    [["--attn-bits", "5"], "--attn-bits is 5, wanted one of 16, 8, 4, 3, 2"],
    [["--json=no"], "--json takes no value"],
    [["--context", "0"], "--context is 0, wanted an integer of at least 1"],
  ];
  for (const [args, message] of cases) {
    assertThrows(() => parseFlags(FLAGS, args), UsageError, message);
  }
});
