/** Chat templates, and conversations. */

import fc from "npm:fast-check@4.11.0";
import { assert } from "@std/assert";
import { ChatTemplate } from "../../src/text/chat_template.ts";
import cases from "../testdata/chat_templates/cases.json" with { type: "json" };
import { mutatedText } from "./_mutated_bytes.ts";
import { verdictOf } from "./_outcome.ts";
import type { Target } from "./_target.ts";

/** No prompt that is meant is longer. */
const MAX_LENGTH = 1 << 22;

/** Expressions, the simplest first. */
const ATOMS = [
  ...["1", "0", "-1", "1.5", "'a'", "''", "none", "true", "[]", "{}", "x"],
  ...["messages", "messages[0]", "messages[0].role", "bos_token", "loop.index"],
  ...["range(5)", "range(100000)", "10**9", "999999999999", "'a' * 9", "ns.n"],
  ...["namespace(n=1)", "raise_exception('no')", "strftime_now('%Y')", "loop"],
  ...["messages[:1]", "messages[::-1]", "messages[-9]", "x.y.z", "self", "f()"],
  ...[
    "'%s' % 1",
    "('a', 'b')",
    "{'a': 1}",
    "{'a': 1}.items()",
    "messages.length",
  ],
];

const FILTERS = [
  ...["length", "upper", "trim", "tojson", "tojson(indent=4)", "join(',')"],
  ...[
    "first",
    "last",
    "list",
    "string",
    "int",
    "float",
    "abs",
    "sort",
    "items",
  ],
  ...["indent(4)", "indent(1000000000)", "replace('a', 'bb')", "default('x')"],
  ...["map(attribute='role')", "selectattr('role', 'equalto', 'user')", "safe"],
  ...["reverse", "unique", "title", "capitalize", "sum", "dictsort", "nothing"],
  ...[
    "tojson(indent=1000000000)",
    "batch(2)",
    "round(2)",
    "join",
    "truncate(3)",
  ],
];

const METHODS = [
  ...["", ".strip()", ".upper()", ".split('a')", ".items()", ".get('role')"],
  ...[".replace('a', 'aaaa')", ".startswith('a')", ".append(1)", ".format(1)"],
  ...[".rstrip('\\n')", ".keys()", ".pop()", ".constructor", ".__proto__"],
];

const expression: fc.Arbitrary<string> =
  fc.letrec<{ whole: string }>((tie) => ({
    whole: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom(...ATOMS),
      fc.tuple(tie("whole"), fc.constantFrom(...FILTERS))
        .map(([value, filter]) => `${value} | ${filter}`),
      fc.tuple(tie("whole"), fc.constantFrom(...METHODS))
        .map(([value, method]) => `(${value})${method}`),
      fc.tuple(
        tie("whole"),
        fc.constantFrom(
          "+",
          "~",
          "*",
          "-",
          "/",
          "%",
          "//",
          "**",
          "==",
          "in",
          "and",
          "<",
          "is",
          "not in",
        ),
        tie("whole"),
      ).map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    ),
  })).whole;

/** Next values of `ns.n`. */
const growth = fc.constantFrom(
  ...["ns.n + ns.n", "ns.n ~ ns.n", "[ns.n, ns.n]", "(ns.n, ns.n)", "[ns.n]"],
  ...["{'a': ns.n, 'b': ns.n}", "namespace(a=ns.n, b=ns.n)", "[ns, ns.n]"],
  ...["ns.n | tojson", "ns.n | join(ns.n)", "ns.n | replace('a', ns.n)", "ns"],
);

const template: fc.Arbitrary<string> = fc.letrec<{ whole: string }>((tie) => ({
  whole: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(
      "text",
      "",
      "\n",
      "{# no #}",
      "{%- break %}",
      "{% continue %}",
    ),
    expression.map((value) => `{{ ${value} }}`),
    fc.tuple(expression, tie("whole")).map(([value, body]) =>
      `{% for x in ${value} %}${body}{% endfor %}`
    ),
    fc.tuple(expression, tie("whole"), tie("whole")).map((
      [value, body, other],
    ) => `{% if ${value} %}${body}{% else %}${other}{% endif %}`),
    fc.tuple(fc.constantFrom("x", "ns.n", "messages", "y"), expression)
      .map(([name, value]) => `{% set ${name} = ${value} %}`),
    // What grows by itself, whatever it is.
    fc.tuple(expression, growth, expression).map(([value, more, use]) =>
      `{% set ns = namespace(n=${value}) %}{% for i in range(60) %}` +
      `{% set ns.n = ${more} %}{% endfor %}{{ ns.n }}{{ ${use} }}`
    ),
    fc.tuple(tie("whole"), expression).map(([body, value]) =>
      `{% macro f(x=${value}) %}${body}{% endmacro %}{{ f() }}`
    ),
    fc.tuple(tie("whole"), tie("whole")).map(([one, other]) => one + other),
  ),
})).whole;

/** Bombs: they grow, and people have written them. */
const BOMBS = [
  "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
  "{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s }}",
  "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = ns.l + ns.l %}{% endfor %}{{ ns.l | length }}",
  "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
  "{% set ns = namespace(l={}) %}{% for i in range(60) %}{% set ns.l = {'a': ns.l, 'b': ns.l} %}{% endfor %}{{ ns.l | tojson }}",
  "{% set ns = namespace(n=1) %}{% set ns.n = ns %}{{ ns }}{{ [ns] | tojson }}",
  "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l == 'x' }}{{ strftime_now(ns.l) }}",
  "{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}",
  "{{ 'x' | indent(2000000000) }}",
  "{% for i in range(10) %}{{ 'aaaaaaaaaa' | replace('a', 'aaaaaaaaaaaaaaaaaaaa') }}{% endfor %}",
  `${"{% if true %}".repeat(5000)}${"{% endif %}".repeat(5000)}`,
  `{{ ${"(".repeat(20_000)}1${")".repeat(20_000)} }}`,
  `{{ ${"[".repeat(20_000)}${"]".repeat(20_000)} }}`,
  " ".repeat(300_000),
  `{%${" \n".repeat(400)}if x`.repeat(100),
  `{{ 1${" + 1".repeat(20_000)} }}`,
  `{{ 'a'${" | upper".repeat(20_000)} }}`,
  `{{ ${"not ".repeat(20_000)}true }}`,
];

const texts = fc.oneof(
  { weight: 4, arbitrary: template },
  { weight: 3, arbitrary: mutatedText(cases.map(({ template }) => template)) },
  { weight: 1, arbitrary: mutatedText(BOMBS) },
);

/** A template and a conversation. */
interface Input {
  readonly source: string;
  readonly messages: readonly { role: string; content: string }[];
}

/** `ChatTemplate` */
export const CHAT_TEMPLATE: Target<Input> = {
  name: "chat template",
  cases: 200,
  inputs: fc.record({
    source: texts,
    messages: fc.array(
      fc.record({
        role: fc.constantFrom("user", "assistant", "system", "tool", ""),
        content: fc.constantFrom(
          "Hello",
          "",
          "{{ x }}",
          "a".repeat(1000),
          "é🙂",
        ),
      }),
      { maxLength: 4 },
    ),
  }),
  feed: ({ source, messages }) =>
    verdictOf(() => {
      const made = new ChatTemplate(source, { bosToken: "<s>" });
      const prompt = made.render(messages, {
        addGenerationPrompt: true,
        now: new Date(2026, 0, 1),
        timeoutMs: 100,
      });
      assert(typeof prompt === "string", "no text");
      assert(prompt.length <= MAX_LENGTH, `${prompt.length} characters`);
    }),
};
