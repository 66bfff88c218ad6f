import { assertEquals, assertThrows } from "@std/assert";
import type { Flag } from "../args.ts";
import { COMMANDS } from "../commands.ts";
import { UsageError } from "../usage_error.ts";
import { fromVariable, misspeltVariables } from "./variables.ts";

const FLAGS: readonly Flag[] = [
  { name: "top-k", option: "k", value: "<k>", range: { min: 0 }, help: "" },
  { name: "stop", option: "stop", value: "<text>", isList: true, help: "" },
  { name: "json", option: "json", help: "" },
  { name: "no-tuning", option: "noTuning", help: "" },
];

function read(name: string, variables: Record<string, string>) {
  const flag = FLAGS.find((flag) => flag.name === name)!;
  const setting = fromVariable(flag, FLAGS, (name) => variables[name]);
  return setting?.value;
}

Deno.test("fromVariable() reads values of each kind", () => {
  assertEquals(read("top-k", { MOENO_TOP_K: "20" }), 20);
  assertEquals(read("top-k", { MOENO_TOP_K: "" }), undefined);
  assertEquals(read("stop", { MOENO_STOP: "[INST]" }), ["[INST]"]);
  assertEquals(read("stop", { MOENO_STOP: "7" }), ["7"]);
  assertEquals(read("stop", { MOENO_STOP: '["a", "\\n", 7]' }), [
    "a",
    "\n",
    "7",
  ]);
  for (const text of ["1", "true", "on", "yes", "ON"]) {
    assertEquals(read("json", { MOENO_JSON: text }), true);
    assertEquals(read("json", { MOENO_NO_JSON: text }), false);
  }
  for (const text of ["0", "false", "off", "no", "False"]) {
    assertEquals(read("json", { MOENO_JSON: text }), false);
    assertEquals(read("no-tuning", { MOENO_TUNING: text }), true);
  }
  assertEquals(read("no-tuning", { MOENO_TUNING: "on" }), false);
  const both = { MOENO_TUNING: "on", MOENO_NO_TUNING: "1" };
  assertEquals(read("no-tuning", both), true);
});

Deno.test("fromVariable() names the variable in a refusal", () => {
  const cases: [string, Record<string, string>, string][] = [
    ["top-k", { MOENO_TOP_K: "-1" }, "MOENO_TOP_K is -1, wanted a number"],
    ["top-k", { MOENO_TOP_K: "$&" }, 'MOENO_TOP_K is "$&", wanted a number'],
    ["json", { MOENO_JSON: "maybe" }, 'MOENO_JSON is "maybe", wanted one of 1'],
    ["no-tuning", { MOENO_TUNING: "x" }, 'MOENO_TUNING is "x", wanted one of'],
  ];
  for (const [name, variables, message] of cases) {
    assertThrows(() => read(name, variables), UsageError, message);
  }
});

Deno.test("misspeltVariables() guesses, and leaves others alone", () => {
  const names = ["MOENO_TEMPRATURE", "MOENO_HOME", "MOENO_LONG", "MOENO_TOP_K"]
    .concat("MOENO_NO_JSON", "MOENO_BUILD_MACHINE", "TEMPRATURE", "MOENO_TUNIN")
    .concat("MOENO_CONFIG", "MOENO_ALL_WAYS");
  assertEquals(misspeltVariables(names, COMMANDS), [
    "MOENO_TEMPRATURE sets no flag; did you mean MOENO_TEMPERATURE?",
    "MOENO_TUNIN sets no flag; did you mean MOENO_TUNING?",
  ]);
});
