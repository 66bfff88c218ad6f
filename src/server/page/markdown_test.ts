import { assertEquals } from "@std/assert";
import { type Block, parseMarkdown } from "./markdown.js";
import { type Inline, parseInline } from "./markdown_inline.js";

const blocksOf = (text: string) =>
  parseMarkdown(text).map(({ block }) => block);
const text = (text: string): Inline => ({ kind: "text", text });
const paragraph = (words: string): Block => ({
  kind: "paragraph",
  inlines: [text(words)],
});

Deno.test("parseMarkdown() reads paragraphs, headings, code and lists", () => {
  const answer = [
    "One line",
    "and the next.",
    "",
    "## Steps ##",
    "1. first",
    "   more of it",
    "2. second",
    "   - inner",
    "",
    "```ts x",
    "const a = `<b>`;",
    "",
    "```",
    "> quoted",
    "> twice",
    "---",
    "* star",
    "- dash",
  ].join("\n");
  assertEquals(blocksOf(answer), [
    paragraph("One line\nand the next."),
    { kind: "heading", level: 2, inlines: [text("Steps")] },
    {
      kind: "list",
      start: 1,
      items: [
        [paragraph("first\nmore of it")],
        [paragraph("second"), {
          kind: "list",
          start: null,
          items: [[paragraph("inner")]],
        }],
      ],
    },
    { kind: "code", language: "ts", text: "const a = `<b>`;\n" },
    { kind: "quote", blocks: [paragraph("quoted\ntwice")] },
    { kind: "rule" },
    {
      kind: "list",
      start: null,
      items: [[paragraph("star")], [paragraph("dash")]],
    },
  ]);
});

Deno.test("parseMarkdown() reads tables", () => {
  const answer = [
    "Pets:",
    "| Pet | **Legs** |",
    "|:----|:-------:|",
    "| a \\| b | 4 | 5",
    "fish",
    "dog | `x`",
    "",
    "| no | table |",
    "| at | all |",
    "a | b",
    "---",
  ].join("\n");
  const table = {
    kind: "table",
    head: [[text("Pet")], [{ kind: "bold", inlines: [text("Legs")] }]],
    rows: [
      [[text("a | b")], [text("4")]],
      [[text("fish")], []],
      [[text("dog")], [{ kind: "code", text: "x" }]],
    ],
  } as const satisfies Block;
  assertEquals(blocksOf(answer), [
    paragraph("Pets:"),
    table,
    paragraph("| no | table |\n| at | all |\na | b\n---"),
  ]);
  assertEquals(blocksOf("- item\n\n  a | b\n  --|--"), [{
    kind: "list",
    start: null,
    items: [[paragraph("item"), {
      kind: "table",
      head: [[text("a")], [text("b")]],
      rows: [],
    }]],
  }]);
});

Deno.test("parseMarkdown() takes code that is not over for code", () => {
  assertEquals(blocksOf("```\na\n\n# b"), [
    { kind: "code", language: "", text: "a\n\n# b" },
  ]);
});

Deno.test("parseMarkdown() leaves the first blocks as they were when a text goes on", () => {
  const answer = "One.\n\n- a\n- b\n\nTwo **bold**.\n\n```\ncode\n```\n" +
    "a | b\n--|--\n1 | 2\n\nend";
  for (let end = 1; end < answer.length; end++) {
    const before = parseMarkdown(answer.slice(0, end));
    const after = parseMarkdown(answer);
    // All but the last block, which may still grow.
    for (const [i, { source }] of before.slice(0, -1).entries()) {
      assertEquals(after[i]!.source, source, `after ${end} characters`);
    }
  }
});

Deno.test("parseMarkdown() survives nesting without end", () => {
  for (const mark of ["> ", "- ", "1. "]) {
    blocksOf(mark.repeat(20_000) + "end");
  }
});

Deno.test("parseInline() reads bold, italic and code", () => {
  assertEquals(parseInline("a **b *c* d** `e **f**` _g_"), [
    text("a "),
    {
      kind: "bold",
      inlines: [
        text("b "),
        { kind: "italic", inlines: [text("c")] },
        text(" d"),
      ],
    },
    text(" "),
    { kind: "code", text: "e **f**" },
    text(" "),
    { kind: "italic", inlines: [text("g")] },
  ]);
  assertEquals(parseInline("``a`b``"), [{ kind: "code", text: "a`b" }]);
});

Deno.test("parseInline() leaves as text what is no mark, or not closed", () => {
  const cases = [
    "2 * 3 * 4",
    "snake_case_name",
    "**not closed",
    "`not closed",
    "*****",
    "<b onclick='x'>&amp;</b>",
    "[a](javascript:x)",
    "**",
    "_",
  ];
  for (const plain of cases) assertEquals(parseInline(plain), [text(plain)]);
  assertEquals(parseInline("\\*a\\*"), [text("*a*")]);
});

Deno.test("parseMarkdown() takes time in step with a line", () => {
  // Quadratic searches would take minutes here.
  const parts = ["-", " ", "|", "-|", "- ", ":-", "\\|", "|-| "];
  for (const part of parts) {
    const line = `|-${part.repeat(100_000)}x`;
    parseMarkdown(`a | b\n${line}\n${line}`);
  }
});

Deno.test("parseInline() takes time in step with the text", () => {
  // Quadratic searches would take minutes here.
  for (const part of ["*a ", "`a``", "_a *", "**a", "\\", "**_`"]) {
    parseInline(part.repeat(100_000));
  }
});
