import { assert, assertEquals, assertThrows } from "@std/assert";
import { Ajv2020 } from "npm:ajv@8.17.1/dist/2020.js";
import addFormats from "npm:ajv-formats@3.0.1";
import { seededRandom } from "../../engine/random.ts";
import type { ByteMachine, State } from "./byte_machine.ts";
import { jsonMachine } from "./json_schema.ts";

/** Follows a text; `null` where it is refused. */
function follow(machine: ByteMachine, text: string): State | null {
  let state: State | null = machine.start;
  for (const byte of new TextEncoder().encode(text)) {
    state = state && machine.next(state, byte);
  }
  return state;
}

function allows(schema: unknown, text: string): boolean {
  return follow(jsonMachine(schema), text)?.mayEnd ?? false;
}

/** Writes a text byte by byte, with a liking for what ends things. */
function wander(machine: ByteMachine, random: () => number): string {
  const bytes: number[] = [];
  let state = machine.start;
  while (true) {
    const allowed: number[] = [];
    for (let byte = 0; byte < 256; byte++) {
      const isAllowed = state.allowed[byte >> 5]! & (1 << (byte & 31));
      if (isAllowed !== 0) allowed.push(byte);
    }
    const isLong = bytes.length > 60;
    if (state.mayEnd && (allowed.length === 0 || isLong || random() < 0.3)) {
      return new TextDecoder("utf-8", { fatal: true })
        .decode(Uint8Array.from(bytes));
    }
    assert(allowed.length > 0, `a dead end after ${bytes}`);
    const ends = allowed.filter((byte) =>
      '"}]0'.includes(String.fromCharCode(byte))
    );
    const chosen = ends.length > 0 && random() < (isLong ? 0.95 : 0.2)
      ? ends
      : allowed;
    const byte = chosen[Math.floor(random() * chosen.length)]!;
    bytes.push(byte);
    state = machine.next(state, byte)!;
  }
}

/** Schemas with texts that they allow and texts that they do not. */
const CASES: { schema: unknown; yes: string[]; no: string[] }[] = [
  {
    schema: {
      type: "object",
      properties: { a: { type: "integer" } },
      required: ["a"],
    },
    yes: ['{"a":1}', '{"a": -20}', ' {"a":0}'],
    no: [
      "{}",
      '{"a":1.5}',
      '{"a":01}',
      '{"a":1,"b":2}',
      '{ "a":1}',
      "[]",
      '{"a":1} ',
    ],
  },
  {
    schema: {
      type: "object",
      properties: {
        a: { type: "string" },
        b: { type: "boolean" },
        c: { type: "null" },
      },
      required: ["b"],
      additionalProperties: false,
    },
    yes: [
      '{"b":true}',
      '{"a":"","b":false}',
      '{"a":"x","b":true,"c":null}',
      '{"b":true, "c":null}',
    ],
    no: [
      '{"b":true,"a":""}',
      '{"a":""}',
      '{,"b":true}',
      '{"b":true,}',
      '{"b":true,"d":1}',
    ],
  },
  {
    schema: {
      type: "object",
      properties: { ab: {}, 'ä"': { type: "integer" } },
      required: ["extra"],
      additionalProperties: { type: "integer" },
    },
    yes: ['{"extra":1}', '{"ab":[{}],"ä\\"":3,"extra":1,"abc":2,"a":3,"":4}'],
    no: [
      '{"ab":1,"extra":1,"ab":2}',
      '{"extra":1,"x":"y"}',
      '{"extra":1,"\\u0061b":2}',
      "{}",
    ],
  },
  {
    schema: {
      type: "array",
      items: { type: "integer", minimum: 7, maximum: 123 },
      minItems: 1,
      maxItems: 3,
    },
    yes: ["[7]", "[123,99, 10]"],
    no: ["[]", "[6]", "[124]", "[1,2]", "[7,7,7,7]", "[007]"],
  },
  {
    schema: {
      prefixItems: [{ type: "string" }, { type: "null" }],
      items: { type: "boolean" },
      minItems: 1,
    },
    yes: ['["a"]', '["a",null]', '["a",null,true,false]'],
    no: ["[]", '[null,"a"]', '["a",true]', '["a",null,null]'],
  },
  {
    schema: { prefixItems: [{ const: 1 }, { const: 2 }], items: false },
    yes: ["[]", "[1]", "[1,2]"],
    no: ["[2]", "[1,2,3]"],
  },
  {
    schema: { enum: ["one", "on", 'q"', 3, null, { a: [1] }, "😀x", "😃y"] },
    yes: [
      '"one"',
      '"on"',
      '"q\\""',
      "3",
      "null",
      '{"a":[1]}',
      '"😀x"',
      '"😃y"',
    ],
    no: ['"o"', "33", '"ones"', '{"a": [1]}', '"😀y"'],
  },
  {
    schema: { type: "integer", enum: [1, "a", 2.5] },
    yes: ["1"],
    no: ['"a"', "2.5"],
  },
  {
    schema: { type: "string", minLength: 2, maxLength: 3 },
    yes: ['"ab"', '"äöü"', '"😀😀"', '"\\n\\\\"'],
    no: ['"a"', '"abcd"', '"😀"', '"a\nb"', '"\\x"', '"\\u0041b"'],
  },
  {
    schema: { type: "string", pattern: "^(a|b+)[^0-9]{2}\\d?x$" },
    yes: ['"aäöx"', '"bbb\\"\\\\5x"', '"b--x"'],
    no: ['"a12x"', '"aäö55x"', '"xaäöx"', '"aäöxy"'],
  },
  {
    schema: { pattern: "b|^c" },
    yes: ['"abc"', '"b"', '"cd"'],
    no: ['"ac"', '"a"', '""'],
  },
  {
    schema: { type: ["string", "null"], format: "date" },
    yes: ["null", '"2024-02-28"'],
    no: ['"2024-02-30"', '"2024-13-01"', '"24-01-01"', "3"],
  },
  {
    schema: { type: "number", minimum: 0, maximum: 1 },
    yes: ["0", "0.25", "1", "1.00"],
    no: ["-1", "1.01", "2", "0."],
  },
  {
    schema: { type: "number", minimum: -2, maximum: 10 },
    yes: ["-2", "-1.99", "-0.5", "9.99", "10.0"],
    no: ["-2.1", "10.1", "11"],
  },
  {
    schema: { type: "integer", exclusiveMinimum: 9, maximum: 1000 },
    yes: ["10", "999", "1000"],
    no: ["9", "1001", "0"],
  },
  {
    schema: { type: "integer", minimum: -1050, maximum: -99 },
    yes: ["-99", "-100", "-1050"],
    no: ["-98", "-1051", "99", "0"],
  },
  {
    schema: { type: "number" },
    yes: ["-0", "1e5", "2.5E-10"],
    no: ["01", ".5", "1.", "+1", "1e", "1e100", "NaN"],
  },
  {
    schema: {
      anyOf: [{ type: "integer" }, { type: "array", items: { $ref: "#" } }],
    },
    yes: ["1", "[1,[2,[]]]"],
    no: ['"a"', '[["a"]]', "[1"],
  },
  {
    schema: {
      $ref: "#/$defs/node",
      $defs: {
        node: {
          type: "object",
          properties: {
            v: { type: "integer" },
            next: { anyOf: [{ $ref: "#/$defs/node" }, { type: "null" }] },
          },
          required: ["v", "next"],
        },
      },
    },
    yes: ['{"v":1,"next":{"v":2,"next":null}}'],
    no: ['{"v":1}', '{"v":1,"next":{}}'],
  },
  {
    schema: {
      properties: { kind: { type: "string" } },
      required: ["kind"],
      oneOf: [
        {
          properties: { kind: { const: "a" }, x: { type: "integer" } },
          required: ["x"],
        },
        { properties: { kind: { enum: ["b", "c"] } } },
      ],
    },
    yes: ['{"kind":"a","x":1}', '{"kind":"b"}', '{"kind":"c"}'],
    no: ['{"kind":"a"}', '{"kind":"b","x":1}', '{"kind":"d"}'],
  },
  {
    schema: {
      allOf: [
        {
          type: "object",
          properties: { a: { type: "integer", minimum: 0 } },
          required: ["a"],
        },
        { properties: { a: { maximum: 5 }, b: { type: "null" } } },
        { $ref: "#/definitions/more" },
      ],
      definitions: { more: { required: ["b"] } },
    },
    yes: ['{"a":5,"b":null}'],
    no: ['{"a":6,"b":null}', '{"a":5}'],
  },
  {
    schema: true,
    yes: ["1", '{"a":[true,null,"x"]}', "[]"],
    no: ["", "{", "tru"],
  },
  { schema: { type: "object" }, yes: ["{}", '{"a":{"b":[]}}'], no: ["[]"] },
  {
    schema: {
      title: "x",
      description: "y",
      default: 3,
      nullable: true,
      type: "string",
    },
    yes: ["null", '"a"'],
    no: ["3"],
  },
  // A choice that no text can end is left out.
  {
    schema: {
      anyOf: [{ $ref: "#/$defs/loop" }, { const: 1 }],
      $defs: {
        loop: { type: "array", items: { $ref: "#/$defs/loop" }, minItems: 1 },
      },
    },
    yes: ["1"],
    no: ["[", "[1]"],
  },
];

Deno.test("jsonMachine() allows what the schema allows, and nothing else", () => {
  for (const { schema, yes, no } of CASES) {
    for (const text of yes) {
      assert(allows(schema, text), `${text} by ${JSON.stringify(schema)}`);
    }
    for (const text of no) {
      assert(!allows(schema, text), `not ${text} by ${JSON.stringify(schema)}`);
    }
  }
});

Deno.test("jsonMachine() has any object without a schema", () => {
  const machine = jsonMachine(null);
  for (const text of ["{}", '{"a":[1,{"b":null}],"c":"d"}', ' {"x":-0.5e-3}']) {
    assert(follow(machine, text)?.mayEnd, text);
  }
  for (const text of ["[]", '"a"', "{a:1}", '{"a":1,}', "  {}"]) {
    assert(!follow(machine, text)?.mayEnd, text);
  }
});

Deno.test("whatever the machine writes is valid, says another validator", () => {
  const seed = 20261126;
  const random = seededRandom(seed);
  const ajv = new Ajv2020({ strict: false, logger: false });
  // @ts-ignore: its types are of CommonJS
  addFormats(ajv);
  const schemas = CASES.map(({ schema }) => schema)
    .concat(
      ["date", "time", "date-time", "uuid", "email", "ipv4"].map((format) => ({
        type: "string",
        format,
      })),
    );
  for (const schema of schemas) {
    const machine = jsonMachine(schema);
    const validate = ajv.compile(schema as object);
    for (let i = 0; i < 15; i++) {
      const text = wander(machine, random);
      assert(
        validate(JSON.parse(text)),
        `seed ${seed}: ${text} by ${JSON.stringify(schema)}`,
      );
    }
  }
  const machine = jsonMachine(null);
  for (let i = 0; i < 100; i++) {
    const value = JSON.parse(wander(machine, random));
    assert(typeof value === "object" && !Array.isArray(value));
  }
});

Deno.test("jsonMachine() names the place of what it cannot keep to", () => {
  const refused: [unknown, string][] = [
    [
      { properties: { x: { not: {} } } },
      '$.properties.x has "not", wanted none but ',
    ],
    [{ type: "strin" }, '$.type is "strin", wanted one or more of object, '],
    [{ type: "array", uniqueItems: true }, '$ has "uniqueItems"'],
    [
      { $ref: "https://example.com/s" },
      '$.$ref is "https://example.com/s", wanted one within',
    ],
    [
      { $ref: "#/$defs/none" },
      "$.$ref points to #/$defs/none, which is not there",
    ],
    [{ $ref: "#/%defs/n" }, "$.$ref points to #/%defs/n, which is not there"],
    [
      { items: { minLength: -1 } },
      "$.items.minLength is -1, wanted an integer from 0 to 2^53 - 1",
    ],
    // One less than such a number is the same number: it would never be reached.
    [
      { type: "string", minLength: 2 ** 64 },
      "$.minLength is 18446744073709552000, wanted an integer from 0 to 2^53 - 1",
    ],
    [{ minItems: 3, maxItems: 2 }, "$ has minItems above maxItems"],
    [{ type: "number", minimum: 0.5 }, "$ has a bound that is no integer"],
    [
      { type: "integer", minimum: 5, maximum: 4 },
      "$ has a minimum above its maximum",
    ],
    [{ enum: [] }, "$.enum is empty"],
    [{ pattern: "(?=a)" }, "$.pattern cannot be kept to: the pattern has (?="],
    [{ pattern: "(" }, "$.pattern cannot be kept to: "],
    [{ pattern: "a", maxLength: 3 }, "$ has a pattern or format together with"],
    [
      { allOf: [{ const: 1 }, { const: 2 }] },
      '$ puts together two schemas with another "const"',
    ],
    [
      {
        properties: {},
        additionalProperties: false,
        allOf: [{ properties: { a: {} } }],
      },
      '$ has additionalProperties beside another schema with the property "a"',
    ],
    [
      { properties: { a: { $ref: "#" } }, required: ["a"] },
      "$ allows no value at all",
    ],
    [{ $ref: "#" }, "$ allows no value at all"],
    [{ allOf: [{ $ref: "#" }] }, "nested more than"],
    [{ required: ["a"], additionalProperties: false }, '$.required names "a"'],
    [5, "$ is no schema, wanted an object"],
    [false, "$ is false"],
    [{ enum: ["x".repeat(2 ** 20)] }, "$ is longer than"],
  ];
  for (const [schema, message] of refused) {
    assertThrows(() => jsonMachine(schema), RangeError, message);
  }
  let deep: unknown = {};
  for (let i = 0; i < 200; i++) deep = { items: deep };
  assertThrows(
    () => jsonMachine(deep),
    RangeError,
    "nested more than 100 deep",
  );
});

Deno.test("jsonMachine() manages large schemas", () => {
  const words = Array.from({ length: 6000 }, (_, i) => `word ${i * 7919}`);
  const machine = jsonMachine({ enum: words });
  assert(follow(machine, '"word 7919"')?.mayEnd);
  assertEquals(follow(machine, '"word 7919x'), null);
  const properties = Object.fromEntries(
    words.slice(0, 500).map((word) => [word, { type: "integer" }]),
  );
  const wide = jsonMachine({ properties, additionalProperties: true });
  assert(follow(wide, '{"word 7919":1,"other":{}}')?.mayEnd);
  assertEquals(follow(wide, '{"word 7919":1,"word 0":'), null); // out of order
  const long = jsonMachine({
    type: "string",
    minLength: 900,
    maxLength: 999,
  });
  assert(follow(long, `"${"x".repeat(950)}"`)?.mayEnd);
  assert(!follow(long, `"${"x".repeat(899)}"`)?.mayEnd);
});
