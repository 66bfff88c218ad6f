import { assert, assertEquals, assertThrows } from "@std/assert";
import { ChatTemplate, type Message } from "./chat_template.ts";

interface Case {
  name: string;
  template: string;
  data: Record<string, unknown> & { messages: Message[] };
  target: string;
}

const CASES = JSON.parse(Deno.readTextFileSync(
  new URL("../../tests/testdata/chat_templates/cases.json", import.meta.url),
)) as Case[];

const STORIES_CONFIG = JSON.parse(Deno.readTextFileSync(
  new URL("../../models/stories-17m/tokenizer_config.json", import.meta.url),
)) as Record<string, unknown>;

const USER: Message = { role: "user", content: "Hi" };

function render(source: string, messages: Message[] = []): string {
  return new ChatTemplate(source).render(messages);
}

Deno.test("ChatTemplate renders what transformers renders", async (t) => {
  for (const { name, template, data, target } of CASES) {
    await t.step(name, () => {
      const {
        messages,
        tools,
        bos_token: bosToken,
        eos_token: eosToken,
        add_generation_prompt: addGenerationPrompt,
        ...variables
      } = data;
      const tokens = { bosToken, eosToken } as Record<string, string>;
      const prompt = new ChatTemplate(template, tokens).render(messages, {
        ...tools === undefined ? {} : { tools: tools as unknown[] },
        addGenerationPrompt: addGenerationPrompt === true,
        variables,
      });
      assertEquals(prompt, target);
    });
  }
  assertEquals(CASES.length, 7);
});

Deno.test("ChatTemplate.fromTokenizerConfig() reads the template of Mixtral", () => {
  const template = ChatTemplate.fromTokenizerConfig(STORIES_CONFIG)!;
  assertEquals(
    template.render([
      USER,
      { role: "assistant", content: "Hello." },
      { role: "user", content: "Bye </s>" },
    ], { addGenerationPrompt: true }),
    "<s>[INST] Hi [/INST]Hello.</s>[INST] Bye </s> [/INST]",
  );
  assertThrows(
    () => template.render([USER, USER]),
    Error,
    "Cannot render the chat template: Conversation roles must alternate user/assistant/user/assistant/...",
  );
  assertThrows(
    () => template.render([{ role: "system", content: "" }]),
    Error,
    "Cannot render the chat template: ",
  );
});

Deno.test("ChatTemplate.fromTokenizerConfig() takes every form of the file", () => {
  const from = (config: unknown) => ChatTemplate.fromTokenizerConfig(config);
  const named = (name: string) => ({
    name,
    template: `${name}{{ eos_token }}`,
  });
  for (const config of [null, {}, { "chat_template": null }, []]) {
    assertEquals(from(config), null);
  }
  const tokens = { "eos_token": { content: "</s>", lstrip: false } };
  for (
    const [templates, wanted] of [
      [[named("tool_use"), named("default")], "default</s>"],
      [[named("rag")], "rag</s>"],
      ["x{{ bos_token }}{{ eos_token }}", "x</s>"],
    ]
  ) {
    const template = from({ ...tokens, "chat_template": templates });
    assertEquals(template?.render([]), wanted);
  }
  assertThrows(
    () => from({ "chat_template": [named("a"), named("b")] }),
    TypeError,
    'Cannot read chat_template: it has templates "a", "b", wanted a text or a list with one called "default"',
  );
  for (const value of [7, [], [7], {}]) {
    assertThrows(() => from({ "chat_template": value }), TypeError, "no text");
  }
});

Deno.test("ChatTemplate trims as transformers does, and renders the undefined as nothing", () => {
  assertEquals(
    render("{% if true %}\n  a\n  {% endif %}\nb {{ x }}|{{ pad_token }}\n\n"),
    "  a\nb |\n",
  );
  assertEquals(
    render("{{ messages | tojson }}", [USER]),
    '[{"role": "user", "content": "Hi"}]',
  );
});

Deno.test("ChatTemplate says where a template is broken", () => {
  for (const source of ["{% if x %}", "{{ x", "{% nonsense %}", "{{ x | }}"]) {
    assertThrows(
      () => new ChatTemplate(source),
      SyntaxError,
      "Cannot parse the chat template: ",
    );
  }
  assertThrows(
    () => new ChatTemplate("{% for x in y %}"),
    SyntaxError,
    "Cannot parse the chat template: it ends early",
  );
  for (const source of ["{{ x() }}", "{{ 'a' | nonsense }}"]) {
    assertThrows(
      () => render(source),
      Error,
      "Cannot render the chat template: ",
    );
  }
});

Deno.test("ChatTemplate parses nothing that would take it minutes", () => {
  const cases: [source: string, says: string][] = [
    [
      " ".repeat(2 ** 19),
      "it has 524288 characters of white space in one place",
    ],
    ["\n\t".repeat(501), "it has 1002 characters of white space in one place"],
    ["x".repeat(2 ** 20 + 1), "it has 1048577 characters, wanted at most"],
  ];
  for (const [source, says] of cases) {
    assertThrows(
      () => new ChatTemplate(source),
      SyntaxError,
      `Cannot parse the chat template: ${says}`,
    );
  }
  const much = (" ".repeat(999) + "x").repeat(1000);
  assertEquals(render(much), much);
});

Deno.test("ChatTemplate bounds range() as Jinja's sandbox does", () => {
  const join = (range: string) => render(`{{ ${range} | join(',') }}`);
  assertEquals(join("range(3)"), "0,1,2");
  assertEquals(join("range(1, 3)"), "1,2");
  assertEquals(join("range(5, 0, -2)"), "5,3,1");
  assertEquals(join("range(3, 1)"), "");
  assertEquals(render("{{ range(100000) | length }}"), "100000");
  for (const range of ["100001", "0, 1, 0", "'a'", "0, -999999, -1"]) {
    assertThrows(
      () => render(`{{ range(${range}) }}`),
      Error,
      "Cannot render the chat template: range(",
    );
  }
});

Deno.test("ChatTemplate gives templates nothing but what they are given", () => {
  for (
    const expression of [
      "messages.constructor",
      "messages.__proto__",
      "messages[0]['constructor']",
      "messages[0].__proto__.polluted",
      "messages[0].get('__proto__')",
      "''.constructor",
      "(1).constructor",
      "range.constructor",
      "raise_exception.constructor",
      "namespace().constructor",
      "constructor",
      "__proto__",
      "toString",
      "globalThis",
      "Deno",
      "self",
      "messages | map(attribute='constructor') | first",
      "''.__class__.__mro__",
    ]
  ) assertEquals(render(`{{ ${expression} }}`, [USER]), "", expression);
  for (
    const source of [
      "{{ ''.constructor.constructor('return Deno')() }}",
      "{{ range.constructor('return Deno')() }}",
      "{{ messages | attr('constructor') }}",
      "{% set messages.__proto__.polluted = 1 %}",
    ]
  ) assertThrows(() => render(source, [USER]), Error, "Cannot render the chat");
  // What a template sets is its own.
  for (
    const source of [
      "{% set n = namespace() %}{% set n.__proto__ = {'polluted': 1} %}",
      "{% set n = namespace(**{'__proto__': {'polluted': 1}}) %}",
      "{% set x = {'__proto__': {'polluted': 1}} %}{{ x.polluted }}",
      "{% set __proto__ = {'polluted': 1} %}{{ polluted }}",
    ]
  ) assertEquals(render(source, [USER]), "", source);
  assert(!("polluted" in {}));
});

Deno.test("ChatTemplate bounds macros that call themselves", () => {
  assertThrows(
    () => render("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"),
    Error,
    "Cannot render the chat template: ",
  );
});

Deno.test("ChatTemplate bounds loops, texts and lists that grow", () => {
  const grow = (value: string, more: string) =>
    `{% set ns = namespace(v=${value}) %}{% for i in range(60) %}` +
    `{% set ns.v = ${more} %}{% endfor %}{{ ns.v | length }}`;
  const many = "{% for a in range(100000) %}";
  const cases: [source: string, says: string][] = [
    [`${many}${many}x{% endfor %}{% endfor %}`, "it takes longer than 0.05 s"],
    [`${many}${many}{% endfor %}{% endfor %}`, "it takes longer than 0.05 s"],
    [
      `{% set l = range(100000) %}${many}{% for b in l %}{% endfor %}{% endfor %}`,
      "it takes longer than 0.05 s",
    ],
    [grow("'xy'", "ns.v + ns.v"), "it makes a text of 8388608 characters"],
    [grow("'xy'", "ns.v ~ ns.v"), "it makes a text of 8388608 characters"],
    [grow("[1]", "ns.v + ns.v"), "it makes a list of 2097152"],
    // A list of 2^60 elements is sixty small ones.
    ...["ns.v", "ns.v | string", "ns.v | tojson", "'' ~ ns.v", "range(ns.v)"]
      .map((use): [string, string] => [
        grow("[1]", "[ns.v, ns.v]") + `{{ ${use} }}`,
        "it makes a value of",
      ]),
    [grow("[]", "[ns]"), "it puts a namespace into another value"],
    [
      `{% set s = '${"x".repeat(2 ** 19)}' %}${many}` +
      "{% set t = s | upper %}{% endfor %}",
      "it makes more than 256 MiB of texts and lists",
    ],
    [
      `{% set l = range(100000) %}${many}{% set m = l + l %}{% endfor %}`,
      "it makes more than 256 MiB of texts and lists",
    ],
    ["{{ 'x' | indent(2000000000) }}", "it indents by 2000000000"],
    ["{{ 'x' | indent(width=500000000) }}", "it indents by 500000000"],
    ["{{ [1] | tojson(indent=500000000) }}", "it indents by 500000000"],
  ];
  for (const [source, says] of cases) {
    const template = new ChatTemplate(source);
    assertThrows(
      // Where size is the bound, time must not be.
      () =>
        template.render([], { timeoutMs: says.endsWith(" s") ? 50 : 60_000 }),
      Error,
      `Cannot render the chat template: ${says}`,
      source.slice(0, 200),
    );
  }
  assertEquals(render("{{ 'a\nb' | indent(4) }}"), "a\n    b");
});

Deno.test("ChatTemplate says in its own words what the engine says in others", () => {
  const deep = `{{ ${"[".repeat(20_000)}1${"]".repeat(20_000)} }}`;
  assertThrows(
    () => new ChatTemplate(deep),
    SyntaxError,
    "Cannot parse the chat template: it is nested too deeply",
  );
  const cases: [source: string, says: string][] = [
    ["{% break %}", "it leaves a loop where there is none"],
    ["{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "it is nested too"],
    ["{{ raise_exception('\x1b[2J\na') }}", "\uFFFD[2J a"],
    ["{{ raise_exception(messages[0].content) }}", `${"x".repeat(300)}…`],
  ];
  const messages = [{ role: "user", content: "x".repeat(5000) }];
  for (const [source, says] of cases) {
    const { message } = assertThrows(
      () => new ChatTemplate(source).render(messages),
      Error,
    );
    assert(
      message.startsWith(`Cannot render the chat template: ${says}`),
      message,
    );
    assert(message.length < 400, message);
  }
});

Deno.test("ChatTemplate gives templates the time", () => {
  const template = new ChatTemplate("{{ strftime_now('%d %b %Y') }}");
  const now = new Date(2024, 1, 29);
  assertEquals(template.render([], { now }), "29 Feb 2024");
  assertEquals(template.render([]).length, "29 Feb 2024".length);
});
