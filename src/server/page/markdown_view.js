// @ts-check
/// <reference lib="dom" />
import { copyButton } from "./copy_button.js";
import { h } from "./dom.js";
import { parseMarkdown } from "./markdown.js";

/** @typedef {import("./markdown.js").Block} Block */
/** @typedef {import("./markdown_inline.js").Inline} Inline */

/** Shows a text with its Markdown in an element, also while it grows. */
export class MarkdownView {
  /** @type {HTMLElement} */
  #element;
  /** @type {string[]} The lines of each block that is shown. */
  #sources = [];

  /** @param {HTMLElement} element It shows nothing else. */
  constructor(element) {
    this.#element = element;
  }

  /**
   * Shows a text. Blocks that did not change stay, with what is selected in
   * them, so a long answer costs no more per token than its last block.
   *
   * @param {string} text
   */
  show(text) {
    const blocks = parseMarkdown(text);
    let same = 0;
    while (
      same < blocks.length && this.#sources[same] === blocks[same]?.source
    ) same++;
    while (this.#element.children.length > same) {
      this.#element.lastElementChild?.remove();
    }
    this.#element.append(...blocks.slice(same).map(({ block }) => draw(block)));
    this.#sources = blocks.map(({ source }) => source);
  }
}

/**
 * @param {Block} block
 * @returns {HTMLElement}
 */
function draw(block) {
  switch (block.kind) {
    case "paragraph":
      return h("p", {}, ...block.inlines.map(drawInline));
    case "heading": {
      // The page's own headings end at the second level.
      const tag = block.level <= 2 ? "h3" : "h4";
      return h(tag, {}, ...block.inlines.map(drawInline));
    }
    case "code":
      return h(
        "div",
        { class: "code" },
        h(
          "div",
          {},
          h("span", {}, block.language),
          copyButton(() => block.text, "the code"),
        ),
        h("pre", { tabindex: 0 }, h("code", {}, block.text)),
      );
    case "table": {
      const row = (
        /** @type {"th" | "td"} */ tag,
        /** @type {Inline[][]} */ cells,
      ) =>
        h(
          "tr",
          {},
          ...cells.map((cell) => h(tag, {}, ...cell.map(drawInline))),
        );
      return h(
        "div",
        { class: "table", tabindex: 0 },
        h(
          "table",
          {},
          h("thead", {}, row("th", block.head)),
          h("tbody", {}, ...block.rows.map((cells) => row("td", cells))),
        ),
      );
    }
    case "quote":
      return h("blockquote", {}, ...block.blocks.map(draw));
    case "rule":
      return h("hr");
    case "list": {
      const items = block.items.map((item) => h("li", {}, ...item.map(draw)));
      return block.start === null
        ? h("ul", {}, ...items)
        : h("ol", { start: block.start }, ...items);
    }
  }
}

/**
 * @param {Inline} inline
 * @returns {Node | string}
 */
function drawInline(inline) {
  switch (inline.kind) {
    case "text":
      return inline.text;
    case "code":
      return h("code", {}, inline.text);
    case "bold":
      return h("strong", {}, ...inline.inlines.map(drawInline));
    case "italic":
      return h("em", {}, ...inline.inlines.map(drawInline));
  }
}
