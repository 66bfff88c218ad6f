// @ts-check

/**
 * A part of a paragraph.
 *
 * @typedef {{ kind: "text", text: string }
 *   | { kind: "code", text: string }
 *   | { kind: "bold", inlines: Inline[] }
 *   | { kind: "italic", inlines: Inline[] }} Inline
 */

/** What begins something; everything else is text. */
const SPECIAL = /[\\`*_]/g;

/**
 * Reads bold, italic and code in a text. What is not closed is text.
 *
 * @param {string} text
 * @returns {Inline[]}
 */
export function parseInline(text) {
  const inlines = /** @type {Inline[]} */ ([]);
  // Marks that close nothing from here on, so that no text is searched twice.
  const unclosed = /** @type {Set<string>} */ (new Set());
  let plain = "";
  let at = 0;
  const flush = () => {
    if (plain !== "") inlines.push({ kind: "text", text: plain });
    plain = "";
  };
  while (at < text.length) {
    SPECIAL.lastIndex = at;
    const next = SPECIAL.exec(text)?.index ?? text.length;
    plain += text.slice(at, next);
    at = next;
    if (at === text.length) break;
    if (text[at] === "\\") {
      const escapes = /[\\`*_{}[\]()#+\-.!>]/.test(text[at + 1] ?? "");
      plain += escapes ? text[at + 1] : "\\";
      at += escapes ? 2 : 1;
      continue;
    }
    const span = spanAt(text, at, unclosed);
    if (span === null) {
      const run = runLength(text, at);
      plain += text.slice(at, at + run);
      at += run;
      continue;
    }
    flush();
    inlines.push(span.inline);
    at = span.end;
  }
  flush();
  return inlines;
}

/**
 * @param {string} text
 * @param {number} at Where a mark begins.
 * @param {Set<string>} unclosed
 * @returns {{ inline: Inline, end: number } | null}
 */
function spanAt(text, at, unclosed) {
  const mark = text.slice(at, at + runLength(text, at));
  const start = at + mark.length;
  if (mark.startsWith("`")) {
    const end = closeOf(text, start, mark, unclosed);
    if (end === -1) return null;
    const code = text.slice(start, end);
    const inner = /^ .*[^ ].* $/s.test(code) ? code.slice(1, -1) : code;
    return { inline: { kind: "code", text: inner }, end: end + mark.length };
  }
  // "2 * 3", "snake_case" and rows of stars are no emphasis.
  if (mark.length > 2 || /\s|^$/.test(text.charAt(start))) return null;
  if (mark.startsWith("_") && /\w/.test(text.charAt(at - 1))) return null;
  const end = closeOf(text, start, mark, unclosed);
  if (end === -1) return null;
  const inlines = parseInline(text.slice(start, end));
  const kind = mark.length === 2 ? "bold" : "italic";
  return { inline: { kind, inlines }, end: end + mark.length };
}

/**
 * Where a mark is closed: by a run of the same length, right behind a word
 * unless it is code.
 *
 * @param {string} text
 * @param {number} start
 * @param {string} mark
 * @param {Set<string>} unclosed
 * @returns {number} -1 if nowhere.
 */
function closeOf(text, start, mark, unclosed) {
  if (unclosed.has(mark)) return -1;
  let at = text.indexOf(mark, start);
  while (at !== -1) {
    const run = runLength(text, at);
    const isCode = mark.startsWith("`");
    const closes = isCode || !/\s/.test(text.charAt(at - 1)) &&
        !(mark.startsWith("_") && /\w/.test(text.charAt(at + run)));
    if (run === mark.length && at > start && closes) return at;
    at = text.indexOf(mark, at + run);
  }
  unclosed.add(mark);
  return -1;
}

/**
 * @param {string} text
 * @param {number} at
 * @returns {number} How often the character there is repeated.
 */
function runLength(text, at) {
  let end = at + 1;
  while (text[end] === text[at]) end++;
  return end - at;
}
