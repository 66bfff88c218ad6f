import { assert, assertEquals, assertThrows } from "@std/assert";
import { showJson } from "../../io/show_json.ts";
import { ApiError } from "../http/api_error.ts";
import { Fields } from "./fields.ts";

function refusal(take: (fields: Fields) => unknown, value: unknown): string {
  const fields = new Fields({ x: value }, "outer.");
  const error = assertThrows(() => take(fields), ApiError);
  assertEquals(error.status, 400);
  assertEquals(error.toJSON().error.param, "outer.x");
  return error.message;
}

Deno.test("Fields takes what is of the right type", () => {
  const fields = new Fields({
    number: 0.5,
    text: "",
    flag: false,
    stop: "one",
    stops: ["one", "two"],
    list: [1],
    object: { inner: 1 },
    nothing: null,
  });
  assertEquals(fields.number("number", { min: 0 }), 0.5);
  assertEquals(fields.string("text"), "");
  assertEquals(fields.boolean("flag"), false);
  assertEquals(fields.strings("stop"), ["one"]);
  assertEquals(fields.strings("stops"), ["one", "two"]);
  assertEquals(fields.list("list"), [1]);
  assertEquals(fields.fields("object")!.number("inner", {}), 1);
  for (const name of ["nothing", "missing", "toString", "__proto__"]) {
    assertEquals(fields.number(name, {}), undefined);
    assertEquals(fields.strings(name), undefined);
    assertEquals(fields.fields(name), undefined);
  }
});

Deno.test("Fields names what is wrong, and what was wanted", () => {
  const integer = (fields: Fields) =>
    fields.number("x", { integer: true, min: 1, max: 9 });
  for (const value of ["1", 0, 10, 1.5, true, [1], {}, "x".repeat(9999)]) {
    const reason = refusal(integer, value);
    const shown = showJson(value); // which cuts what is long
    assertEquals(
      reason,
      `Cannot answer: outer.x is ${shown}, wanted an integer from 1 to 9`,
    );
    assert(reason.length < 200);
  }
  const others: [(fields: Fields) => unknown, unknown, string][] = [
    [(fields) => fields.boolean("x"), 0, "0, wanted true or false"],
    [(fields) => fields.string("x"), 5, "5, wanted a string"],
    [
      (fields) => fields.number("x", { min: 0 }),
      JSON.parse("1e999"),
      "Infinity, wanted a number of at least 0",
    ],
    [
      (fields) => fields.strings("x"),
      ["a", ""],
      '["a",""], wanted a string or a list of strings, none of them empty',
    ],
    [(fields) => fields.list("x"), {}, "{}, wanted a list"],
    [(fields) => fields.fields("x"), [], "[], wanted an object"],
  ];
  for (const [take, value, message] of others) {
    assertEquals(refusal(take, value), `Cannot answer: outer.x is ${message}`);
  }
});
