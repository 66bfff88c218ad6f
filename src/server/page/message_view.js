// @ts-check
/// <reference lib="dom" />
import { copyButton } from "./copy_button.js";
import { h } from "./dom.js";
import { explainFailure } from "./failure.js";
import { countOf, formatRate } from "./format.js";
import { MarkdownView } from "./markdown_view.js";

/** @typedef {import("./conversation_file.js").Message} Message */
/** @typedef {import("./failure.js").WayOn} WayOn */

/**
 * What can be done with the last messages.
 *
 * @typedef {object} MessageActions
 * @property {() => void} regenerate
 * @property {(text: string) => void} resend
 * @property {(way: WayOn) => void} goOn
 * @property {() => boolean} canShorten
 */

/** @type {Record<WayOn, string>} */
const WAY_WORDS = {
  retry: "Try again",
  shorten: "Leave out the oldest messages",
  new: "New conversation",
  settings: "Settings",
  reload: "Load again",
};

/**
 * @param {Message} message
 * @param {MessageActions | null} actions `null` where there are none: only the
 *   last message of the user can be changed.
 * @returns {HTMLElement}
 */
export function userMessage({ content }, actions) {
  const text = h("div", { class: "text" }, content);
  const below = h(
    "div",
    { class: "below" },
    copyButton(() => content, "your message"),
  );
  const element = h(
    "article",
    { "class": "message user", "aria-label": "You" },
    text,
    below,
  );
  if (actions === null) return element;
  const close = () => {
    element.replaceChildren(text, below);
    edit.focus();
  };
  const edit = h("button", {
    "type": "button",
    "class": "quiet small",
    "aria-label": "Edit your message",
    click: () => {
      const form = editForm(content, { close, resend: actions.resend });
      element.replaceChildren(form);
      form.querySelector("textarea")?.focus();
    },
  }, "Edit");
  below.append(edit);
  return element;
}

/**
 * @param {string} content
 * @param {{ close: () => void, resend: (text: string) => void }} actions
 */
function editForm(content, { close, resend }) {
  const area = h("textarea", { "aria-label": "Your message", "rows": 3 });
  area.value = content;
  const send = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (area.value.trim() !== "") resend(area.value);
  };
  area.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) send(event);
    if (event.key === "Escape") {
      // It closes the field, and stops nothing.
      event.stopPropagation();
      close();
    }
  });
  return h(
    "form",
    { class: "edit", submit: send },
    area,
    h(
      "div",
      {},
      h("button", { type: "button", click: close }, "Cancel"),
      h("button", { type: "submit", class: "primary" }, "Send"),
    ),
  );
}

/** An answer, which may still grow. */
export class AnswerView {
  element;
  #text = h("div", { class: "text" });
  #markdown = new MarkdownView(this.#text);
  #rest = h("div");
  #message;

  /**
   * @param {Message} message
   * @param {{ name: string, actions: MessageActions | null,
   *   waiting: string | null }} options What the model is called; what can be
   *   done; what is waited for, or `null` if the answer is over.
   */
  constructor(message, { name, actions, waiting }) {
    this.#message = message;
    this.element = h(
      "article",
      { "class": "message assistant", "aria-label": name },
      this.#text,
      this.#rest,
    );
    if (waiting === null) this.#showEnd(actions);
    else this.update(waiting);
  }

  /**
   * Shows what has come.
   *
   * @param {string} waiting What is waited for, if nothing came yet.
   */
  update(waiting) {
    const { content } = this.#message;
    this.#markdown.show(content);
    if (content === "") {
      this.#rest.className = "waiting";
      this.#rest.replaceChildren(h("i"), waiting);
      return;
    }
    this.#rest.replaceChildren();
    this.#rest.className = "";
    for (const before of this.#text.querySelectorAll(".caret")) {
      before.classList.remove("caret");
    }
    lastLine(this.#text).classList.add("caret");
  }

  /** @param {MessageActions | null} actions */
  #showEnd(actions) {
    const { content, failure } = this.#message;
    this.#markdown.show(content);
    const parts = [];
    if (failure !== undefined) parts.push(failureBox(failure, actions));
    const below = h("div", { class: "below" });
    if (content !== "") below.append(copyButton(() => content, "the answer"));
    if (actions !== null && failure === undefined) {
      below.append(h("button", {
        "type": "button",
        "class": "quiet small",
        "aria-label": "Regenerate the answer",
        click: actions.regenerate,
      }, "Regenerate"));
    }
    below.append(h("span", { class: "stats" }, describeEnd(this.#message)));
    this.#rest.replaceChildren(...parts, below);
  }
}

/**
 * @param {Element} element
 * @returns {Element} The innermost block at the end of it.
 */
function lastLine(element) {
  const last = element.matches(".code")
    ? element.querySelector("pre code")
    : element.matches("p, h3, h4")
    ? null
    : element.lastElementChild;
  return last === null ? element : last.matches("code") ? last : lastLine(last);
}

/**
 * @param {{ kind: import("./failure.js").FailureKind, said: string }} failure
 * @param {MessageActions | null} actions
 */
function failureBox({ kind, said }, actions) {
  const { text, ways } = explainFailure(kind, said);
  const offered = actions === null
    ? []
    : ways.filter((way) => way !== "shorten" || actions.canShorten());
  const buttons = offered.map((way) =>
    h(
      "button",
      { type: "button", click: () => actions?.goOn(way) },
      WAY_WORDS[way],
    )
  );
  return h(
    "div",
    { class: "failure", role: actions === null ? "note" : "alert" },
    h("p", {}, text),
    h("div", {}, ...buttons),
  );
}

/**
 * @param {Message} message
 * @returns {string} How an answer ended and what it cost: `48.2 tok/s · 120
 *   tokens · 37 of 52 prompt tokens cached`.
 */
function describeEnd({ end, stats, content }) {
  const words = [];
  if (end === "length") words.push("Cut off at the limit of tokens");
  if (end === "stopped" || end === undefined) {
    words.push(content === "" ? "Stopped before the first word" : "Stopped");
  }
  if (stats !== undefined) {
    const { tokensPerSecond, tokens, cachedTokens, promptTokens } = stats;
    if (tokensPerSecond !== null) {
      words.push(`${formatRate(tokensPerSecond)} tok/s`);
    }
    words.push(countOf(tokens, "token"));
    words.push(
      `${cachedTokens} of ${countOf(promptTokens, "prompt token")} cached`,
    );
  }
  return words.join(" · ");
}
