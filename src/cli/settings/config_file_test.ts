import { assertEquals, assertThrows } from "@std/assert";
import type { Flag } from "../args.ts";
import type { Command } from "../command.ts";
import { UsageError } from "../usage_error.ts";
import { fromFile, parseConfig } from "./config_file.ts";

const FLAGS: readonly Flag[] = [
  { name: "top-k", option: "k", value: "<k>", range: { min: 0 }, help: "" },
  { name: "stop", option: "stop", value: "<text>", isList: true, help: "" },
  {
    name: "model",
    option: "model",
    value: "<m>",
    completes: "model",
    help: "",
  },
  { name: "bits", option: "bits", value: "<b>", choices: [2, 4], help: "" },
  {
    name: "slots",
    option: "slots",
    value: "<slots>",
    parse: (text) => text.split(",").map(Number),
    help: "",
  },
  { name: "json", option: "json", help: "" },
  { name: "chat", option: "chat", help: "" },
  { name: "no-tuning", option: "noTuning", help: "" },
  { name: "force", option: "force", help: "", isTypedOnly: true },
];

function command(name: string, flags: readonly Flag[]): Command {
  const run = () => Promise.resolve(0);
  return { name, summary: "", usage: "", flags, run };
}

const COMMANDS = [command("chat", FLAGS), command("tune", FLAGS.slice(5, 6))];

function read(name: string, json: unknown, section: string | null = null) {
  const file = parseConfig(JSON.stringify(json), "/c.json", COMMANDS);
  const flag = FLAGS.find((flag) => flag.name === name)!;
  return fromFile(flag, FLAGS, { file, section, userFolder: "/h" });
}

Deno.test("fromFile() reads values of each kind", () => {
  const cases: [string, unknown, unknown, string][] = [
    ["top-k", { "top-k": 0.5 }, 0.5, "0.5"],
    ["top-k", { "top-k": "1e3" }, 1000, "1e3"],
    ["stop", { stop: "a" }, ["a"], "a"],
    ["stop", { stop: ["a", 7] }, ["a", "7"], '["a",7]'],
    ["stop", { stop: [] }, [], "[]"],
    ["model", { model: "~/m" }, "/h/m", "~/m"],
    ["model", { model: "a/~/m" }, "a/~/m", "a/~/m"],
    ["bits", { bits: 4 }, 4, "4"],
    ["slots", { slots: [6, 5] }, [6, 5], "[6,5]"],
    ["json", { json: false }, false, "false"],
    ["json", { "no-json": true }, false, "false"],
    ["no-tuning", { tuning: false }, true, "true"],
    ["chat", { chat: true }, true, "true"],
    ["top-k", { "top-k": null }, undefined, "default"],
  ];
  for (const [name, json, value, text] of cases) {
    const setting = read(name, json);
    assertEquals([setting?.value, setting?.text], [value, text]);
    assertEquals(read(name, { chat: json }), undefined);
    const { origin, ...rest } = read(name, { chat: json }, "chat")!;
    assertEquals(rest.value, value);
    assertEquals(origin, { kind: "file", path: "/c.json", section: "chat" });
  }
  assertEquals(read("json", {}), undefined);
});

Deno.test("fromFile() names file, key and what is wanted in a refusal", () => {
  const cases: [string, unknown, string][] = [
    ["top-k", -1, "-1, wanted a number of at least 0"],
    ["top-k", "hot", '"hot", wanted a number of at least 0'],
    ["top-k", true, "true, wanted a number of at least 0"],
    ["top-k", [1, 2], "a list, wanted a number of at least 0"],
    ["bits", 3, "3, wanted one of 2, 4"],
    ["bits", false, "false, wanted one of 2, 4"],
    ["model", true, "true, wanted text"],
    ["stop", [["a"]], "a list, wanted text"],
    ["json", "yes", '"yes", wanted true or false'],
    ["json", 1, "1, wanted true or false"],
  ];
  for (const [name, json, message] of cases) {
    assertThrows(
      () => read(name, { [name]: json }),
      UsageError,
      `Cannot use /c.json: ${name} is ${message}`,
    );
    assertThrows(
      () => read(name, { chat: { [name]: json } }, "chat"),
      UsageError,
      `Cannot use /c.json: chat.${name} is ${message}`,
    );
  }
});

Deno.test("parseConfig() says in a sentence what is wrong", () => {
  const cases: [string, string][] = [
    ["", "Cannot read /c.json: JSON ends at line 1, column 1, wanted a value"],
    ["[1]", "Cannot use /c.json: it is a list, wanted an object such as {"],
    ["7", "Cannot use /c.json: it is 7, wanted an object"],
    [
      '{\n  "json": true, // why\n}',
      'found "// why\\n}" at line 2, column 17 (JSON has no comments), wanted a k',
    ],
    ['{\r\n"json": true,\r\n}', 'found "}" at line 3, column 1, wanted a key'],
    ["# a", 'found "# a" at line 1, column 1 (JSON has no comments), wanted a'],
    ['{"json": true, "json": true}', 'key "json" occurs twice, wanted it once'],
    ['{"jsno": true}', 'no command has a flag "jsno"; did you mean json?'],
    ['{"zzzz": 1}', 'flag "zzzz"; moeno config --all lists what can be set'],
    ['{"chta": {}}', '"chta" is an object, but no command; did you mean chat?'],
    ['{"top-k": {}}', '"top-k" is an object, but no command; moeno config'],
    ['{"tune": true}', "tune is no flag, wanted an object of its flags"],
    ['{"tune": {"top-k": 1}}', 'tune has no flag "top-k"; moeno config --all'],
    ['{"chat": {"jsno": 1}}', 'chat has no flag "jsno"; did you mean json?'],
    ['{"force": true}', "force is for the command line only"],
    ['{"chat": {"no-force": true}}', "chat.no-force is for the command line"],
    ['{"__proto__": 1}', 'no command has a flag "__proto__"'],
  ];
  for (const [text, message] of cases) {
    const parse = () => parseConfig(text, "/c.json", COMMANDS);
    assertThrows(parse, UsageError, message);
  }
  const { common } = parseConfig('\uFEFF{"json": true}\n', "/", COMMANDS);
  assertEquals([...common], [["json", true]]);
});
