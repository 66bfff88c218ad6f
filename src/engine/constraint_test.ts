import { assert, assertEquals, assertThrows } from "@std/assert";
import { Ajv2020 } from "npm:ajv@8.17.1/dist/2020.js";
import type { State } from "../text/json/byte_machine.ts";
import { jsonMachine } from "../text/json/json_schema.ts";
import { Tokenizer } from "../text/tokenizer.ts";
import { Constraint } from "./constraint.ts";
import { seededRandom } from "./random.ts";
import type { ResponseFormat } from "./response_format.ts";
import { Sampler } from "./sampler.ts";
import { ShapedLogits } from "./shaped_logits.ts";
import { DEFAULTS } from "./options.ts";

const file = new URL(
  "../../models/stories-17m-q/tokenizer.json",
  import.meta.url,
);
const tokenizer = Tokenizer.fromJson(JSON.parse(Deno.readTextFileSync(file)));
const EOS = tokenizer.eosId!;

const PERSON: ResponseFormat = {
  type: "json_schema",
  schema: {
    type: "object",
    properties: {
      name: { type: "string", maxLength: 12 },
      age: { type: "integer", minimum: 0, maximum: 150 },
      tags: { type: "array", items: { enum: ["ä", "😀", "c d"] }, maxItems: 3 },
      ok: { type: "boolean" },
    },
    required: ["name", "age", "ok"],
    additionalProperties: false,
  },
};

/** Writes a text out of logits that nothing is known of. */
function write(format: ResponseFormat, seed: number): string | null {
  const random = seededRandom(seed);
  const constraint = new Constraint(
    format as typeof PERSON & { type: "json_schema" },
    tokenizer,
  );
  const shaped = new ShapedLogits({
    logitBias: new Map(),
    constraint,
    eosIds: [EOS],
  });
  const sampler = new Sampler({ ...DEFAULTS, temperature: 1.5 });
  const logits = new Float32Array(tokenizer.vocabSize + 64); // with padding
  const ids: number[] = [];
  while (!constraint.isComplete) {
    if (ids.length > 200) return null;
    for (let id = 0; id < logits.length; id++) logits[id] = 4 * random();
    // Models like to end what they began.
    for (const end of ['"', "}", "]"]) logits[tokenizer.idOf(end)!] = 6;
    const id = sampler.sample(shaped.shape(logits), ids, random);
    if (id === EOS) break;
    constraint.accept(id);
    ids.push(id);
  }
  return tokenizer.decode(ids);
}

Deno.test("any tokens that are left make a text of the schema", () => {
  const validate = new Ajv2020({ strict: false }).compile(
    (PERSON as { schema: object }).schema,
  );
  for (let seed = 0; seed < 40; seed++) {
    const text = write(PERSON, seed);
    assert(
      text !== null && validate(JSON.parse(text)),
      `seed ${seed}: ${text}`,
    );
  }
  let whole = 0;
  for (let seed = 0; seed < 20; seed++) {
    const text = write({ type: "json_object" }, seed);
    if (text === null) continue; // it may be as long as it likes
    whole++;
    assertEquals(typeof JSON.parse(text), "object", `seed ${seed}: ${text}`);
  }
  assert(whole > 5, `${whole} came to an end`);
});

Deno.test("Constraint lets a text end where it is whole, and nowhere else", () => {
  const constraint = new Constraint(
    { type: "json_schema", schema: { type: "integer" } },
    tokenizer,
  );
  const isAllowed = (id: number) => {
    const logits = new Float32Array(tokenizer.vocabSize);
    constraint.forbid(logits, [EOS]);
    return logits[id] === 0;
  };
  const [one, dot, bos] = [
    tokenizer.idOf("1")!,
    tokenizer.idOf(".")!,
    tokenizer.bosId!,
  ];
  assertEquals([isAllowed(EOS), isAllowed(one)], [false, true]);
  constraint.accept(one);
  assertEquals([isAllowed(EOS), isAllowed(one)], [true, true]);
  assertEquals([isAllowed(dot), isAllowed(bos)], [false, false]);
  assert(!constraint.isComplete);
  assertThrows(() => constraint.accept(dot), Error, "does not fit");
});

Deno.test("Constraint forbids an end that is spelled like text", () => {
  const constraint = new Constraint(
    { type: "json_schema", schema: { type: "string" } },
    tokenizer,
  );
  const x = tokenizer.idOf("x")!;
  constraint.accept(tokenizer.idOf('"')!);
  const logits = new Float32Array(tokenizer.vocabSize);
  constraint.forbid(logits, [x]);
  assertEquals([logits[x], logits[tokenizer.idOf("y")!]], [-Infinity, 0]);
});

Deno.test("Constraint writes characters that are no tokens byte by byte", () => {
  const constraint = new Constraint(
    { type: "json_schema", schema: { const: "𝄞" } },
    tokenizer,
  );
  const ids: number[] = [];
  while (!constraint.isComplete) {
    const logits = new Float32Array(tokenizer.vocabSize);
    constraint.forbid(logits, [EOS]);
    const id = logits.indexOf(0);
    constraint.accept(id);
    ids.push(id);
  }
  assertEquals(tokenizer.decode(ids).trim(), '"𝄞"');
});

Deno.test("masks of long counted strings are those of the exact states", () => {
  const schema = {
    type: "array",
    items: { type: "string", minLength: 90, maxLength: 190 },
    maxItems: 2,
  };
  const format = { type: "json_schema", schema } as const;
  const constraint = new Constraint(format, tokenizer);
  const machine = jsonMachine(schema);
  let state = machine.start;
  const text = `["${"x".repeat(190)}", "${"y ".repeat(95)}`;
  for (const char of text) {
    const logits = new Float32Array(tokenizer.vocabSize);
    constraint.forbid(logits, [EOS]);
    for (let id = 3; id < logits.length; id += 7) {
      let after: State | null = state;
      for (const byte of tokenizer.bytesOf(id)) {
        after = after && machine.next(after, byte);
      }
      assertEquals(logits[id] === 0, after !== null, `${id}`);
    }
    const byte = char.charCodeAt(0).toString(16).toUpperCase();
    const id = tokenizer.idOf(`<0x${byte}>`)!;
    constraint.accept(id);
    state = machine.next(state, char.charCodeAt(0))!;
  }
});
