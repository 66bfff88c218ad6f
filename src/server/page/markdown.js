// @ts-check
import { parseInline } from "./markdown_inline.js";
import { beginsTable, parseTable } from "./markdown_table.js";

/** @typedef {import("./markdown_inline.js").Inline} Inline */
/** @typedef {import("./markdown_table.js").Table} Table */

/**
 * A block of text. Lists hold the blocks of their items.
 *
 * @typedef {{ kind: "paragraph", inlines: Inline[] }
 *   | { kind: "heading", level: number, inlines: Inline[] }
 *   | { kind: "code", language: string, text: string }
 *   | { kind: "quote", blocks: Block[] }
 *   | { kind: "list", start: number | null, items: Block[][] }
 *   | Table
 *   | { kind: "rule" }} Block
 */

/** Lists and quotes nest no deeper: what is below stays text. */
const MAX_DEPTH = 6;

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/;
const RULE = /^ {0,3}([-*_])(\s*\1){2,}\s*$/;
const QUOTE = /^ {0,3}> ?(.*)$/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])( +)(\S.*)$/;

/**
 * Reads the little Markdown that models write: paragraphs, headings, lists,
 * tables, quotes, code, bold and italic. Everything else, HTML and links too, stays the
 * text that it is.
 *
 * @param {string} text
 * @returns {{ source: string, block: Block }[]} The blocks, and the lines that
 *   each is made of. A text that goes on changes only its last blocks.
 */
export function parseMarkdown(text) {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  return readBlocks(lines, 0).map(({ block, from, to }) => ({
    source: lines.slice(from, to).join("\n"),
    block,
  }));
}

/**
 * @param {readonly string[]} lines
 * @param {number} depth
 * @returns {{ block: Block, from: number, to: number }[]}
 */
function readBlocks(lines, depth) {
  const blocks = [];
  let from = 0;
  while (from < lines.length) {
    if (lineAt(lines, from).trim() === "") {
      from++;
      continue;
    }
    const { block, to } = readBlock(lines, from, depth);
    blocks.push({ block, from, to });
    from = to;
  }
  return blocks;
}

/**
 * @param {readonly string[]} lines
 * @param {number} from Not an empty line.
 * @param {number} depth
 * @returns {{ block: Block, to: number }}
 */
function readBlock(lines, from, depth) {
  const line = lineAt(lines, from);
  const fence = FENCE.exec(line);
  if (fence !== null) return readCode(lines, from, fence);
  const heading = HEADING.exec(line);
  if (heading !== null) {
    const [, marks = "", title = ""] = heading;
    const inlines = parseInline(title);
    return {
      block: { kind: "heading", level: marks.length, inlines },
      to: from + 1,
    };
  }
  if (RULE.test(line)) return { block: { kind: "rule" }, to: from + 1 };
  if (depth < MAX_DEPTH && QUOTE.test(line)) {
    return readQuote(lines, from, depth);
  }
  if (depth < MAX_DEPTH && ITEM.test(line)) return readList(lines, from, depth);
  if (isTableAt(lines, from)) return readTable(lines, from, depth);
  let to = from + 1;
  while (
    to < lines.length && !endsParagraph(lineAt(lines, to), depth) &&
    !isTableAt(lines, to)
  ) to++;
  const text = lines.slice(from, to).map((part) => part.trim()).join("\n");
  return { block: { kind: "paragraph", inlines: parseInline(text) }, to };
}

/**
 * @param {string} line
 * @param {number} depth
 */
function endsParagraph(line, depth) {
  return line.trim() === "" || FENCE.test(line) || HEADING.test(line) ||
    depth < MAX_DEPTH && (QUOTE.test(line) || ITEM.test(line));
}

/**
 * @param {readonly string[]} lines
 * @param {number} at
 */
function isTableAt(lines, at) {
  return beginsTable(lineAt(lines, at), lineAt(lines, at + 1));
}

/**
 * @param {readonly string[]} lines
 * @param {number} from
 * @param {number} depth
 * @returns {{ block: Block, to: number }}
 */
function readTable(lines, from, depth) {
  let to = from + 2;
  while (to < lines.length && !endsParagraph(lineAt(lines, to), depth)) to++;
  const rows = lines.slice(from + 2, to);
  return { block: parseTable(lineAt(lines, from), rows), to };
}

/**
 * Code up to its fence, or to the end: more may come.
 *
 * @param {readonly string[]} lines
 * @param {number} from
 * @param {RegExpExecArray} fence
 * @returns {{ block: Block, to: number }}
 */
function readCode(lines, from, [, mark = "", info = ""]) {
  const isEnd = (/** @type {string} */ line) => {
    const end = line.trim();
    return end.length >= mark.length &&
      end === end.replace(/./g, mark.charAt(0));
  };
  let to = from + 1;
  while (to < lines.length && !isEnd(lineAt(lines, to))) to++;
  const text = lines.slice(from + 1, to).join("\n");
  const [language = ""] = info.trim().split(/\s/);
  return {
    block: { kind: "code", language, text },
    to: Math.min(to + 1, lines.length),
  };
}

/**
 * @param {readonly string[]} lines
 * @param {number} from
 * @param {number} depth
 * @returns {{ block: Block, to: number }}
 */
function readQuote(lines, from, depth) {
  const inner = [];
  let to = from;
  for (; to < lines.length; to++) {
    const quoted = QUOTE.exec(lineAt(lines, to));
    if (quoted === null) break;
    inner.push(quoted[1] ?? "");
  }
  return { block: { kind: "quote", blocks: innerBlocks(inner, depth) }, to };
}

/**
 * Items of one kind, with what is indented below them.
 *
 * @param {readonly string[]} lines
 * @param {number} from
 * @param {number} depth
 * @returns {{ block: Block, to: number }}
 */
function readList(lines, from, depth) {
  const first = ITEM.exec(lineAt(lines, from));
  const isNumbered = /\d/.test(first?.[2] ?? "");
  const items = /** @type {Block[][]} */ ([]);
  let to = from;
  while (to < lines.length) {
    const item = ITEM.exec(lineAt(lines, to));
    if (item === null || /\d/.test(item[2] ?? "") !== isNumbered) break;
    const [, before = "", mark = "", space = "", text = ""] = item;
    const indent = before.length + mark.length + space.length;
    const inner = [text];
    for (to++; to < lines.length; to++) {
      const line = lineAt(lines, to);
      const isInside = indentOf(line) >= Math.min(indent, before.length + 2);
      if (line.trim() !== "" && !isInside) {
        const goesOn = lineAt(lines, to - 1).trim() !== "" &&
          !endsParagraph(line, depth);
        if (!goesOn) break;
      }
      inner.push(line.slice(Math.min(indentOf(line), indent)));
    }
    items.push(innerBlocks(inner, depth));
  }
  const start = isNumbered ? parseInt(first?.[2] ?? "1", 10) : null;
  return { block: { kind: "list", start, items }, to };
}

/**
 * @param {readonly string[]} lines
 * @param {number} depth
 */
function innerBlocks(lines, depth) {
  return readBlocks(lines, depth + 1).map(({ block }) => block);
}

/** @param {string} line */
function indentOf(line) {
  return line.length - line.trimStart().length;
}

/**
 * @param {readonly string[]} lines
 * @param {number} index
 */
function lineAt(lines, index) {
  return lines[index] ?? "";
}
