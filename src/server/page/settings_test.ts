import { assertEquals } from "@std/assert";
import {
  countSettings,
  parseSettings,
  requestFields,
  SETTING_FIELDS,
  settingProblem,
} from "./settings.js";

Deno.test("requestFields() leaves to the model what is empty or wrong", () => {
  const settings = {
    system: "Be brief",
    temperature: "0",
    "top_p": "",
    "top_k": "2.5",
    "min_p": "x",
    seed: "7",
    stop: "END\n\n two words ",
  };
  assertEquals(requestFields(settings), {
    temperature: 0,
    seed: 7,
    stop: ["END", " two words "],
  });
  assertEquals(countSettings(settings), 4);
  assertEquals(requestFields({}), {});
});

Deno.test("settingProblem() says what a field wants", () => {
  const problem = (name: string, text: string) =>
    settingProblem(SETTING_FIELDS.find((field) => field.name === name)!, text);
  assertEquals(problem("temperature", "hot"), "Wanted a number");
  assertEquals(problem("temperature", "-1"), "Wanted 0 or more");
  assertEquals(problem("top_p", "1.01"), "Wanted 1 or less");
  assertEquals(problem("seed", "1e400"), "Wanted a whole number");
  assertEquals(problem("max_tokens", "0"), "Wanted 1 or more");
  assertEquals(problem("stop", "anything"), null);
  assertEquals(problem("min_p", "  "), null);
  assertEquals(problem("min_p", "0.05"), null);
});

Deno.test("parseSettings() takes only what is a setting", () => {
  assertEquals(
    parseSettings('{"seed":"7","temperature":3,"evil":"x","stop":""}'),
    { seed: "7" },
  );
  for (const bad of [null, "", "{", "null", "[1]", '"text"']) {
    assertEquals(parseSettings(bad), {});
  }
});
