// @ts-check
/// <reference lib="dom" />
import { byId, h } from "./dom.js";
import { AnswerView, userMessage } from "./message_view.js";

/** @typedef {import("./chat.js").Chat} Chat */
/** @typedef {import("./chat.js").Run} Run */
/** @typedef {import("./message_view.js").MessageActions} MessageActions */

/** What an empty page offers to say. */
const PROMPTS = [
  "Tell me a story about a little bird",
  "Tell me a story about a boy who finds a key",
  "Tell me a story about a dog and the rain",
];

/** Shows the open conversation, and keeps its end in sight while it grows. */
export class ChatView {
  #chat;
  #actions;
  #waitingText;
  #messages = byId("messages", HTMLElement);
  #welcome = byId("welcome", HTMLElement);
  #end = byId("end", HTMLElement);
  #toLatest = byId("to-latest", HTMLButtonElement);
  /** @type {AnswerView | null} The answer that is on its way. */
  #growing = null;
  #isScheduled = false;
  /** Whether the end is in sight, so that it shall stay there. */
  #isAtEnd = true;

  /**
   * @param {Chat} chat
   * @param {{ actions: MessageActions, send: (text: string) => void,
   *   waitingText: (run: Run) => string }} options
   */
  constructor(chat, { actions, send, waitingText }) {
    this.#chat = chat;
    this.#actions = actions;
    this.#waitingText = waitingText;
    this.#welcome.append(
      h("h3", {}, "Begin with a sentence."),
      h("p", { id: "welcome-model" }),
      h(
        "div",
        { class: "prompts" },
        ...PROMPTS.map((prompt) =>
          h("button", { type: "button", click: () => send(prompt) }, prompt)
        ),
      ),
    );
    new IntersectionObserver(([entry]) => {
      this.#isAtEnd = entry?.isIntersecting ?? true;
      this.#showToLatest();
    }, { rootMargin: "0px 0px 48px 0px" }).observe(this.#end);
    this.#toLatest.addEventListener("click", () => this.scrollToEnd());
  }

  /** Shows the conversation anew. */
  show() {
    const { current, model } = this.#chat;
    const run = this.#chat.runOf();
    const hadFocus = this.#messages.contains(document.activeElement);
    const lastAsked = current.messages.findLastIndex(({ role }) =>
      role === "user"
    );
    this.#welcome.hidden = current.messages.length > 0;
    byId("welcome-model", HTMLElement).textContent = welcomeOf(model);
    this.#growing = null;
    this.#messages.replaceChildren(
      ...current.messages.flatMap((message, index) => {
        const isLast = index >= lastAsked && run === null;
        const actions = isLast ? this.#actions : null;
        const before = index > 0 && index === current.firstSent
          ? [
            h(
              "p",
              { class: "forgotten" },
              "The model no longer sees what is above",
            ),
          ]
          : [];
        if (message.role === "user") {
          return [...before, userMessage(message, actions)];
        }
        const isGrowing = run?.message === message;
        const view = new AnswerView(message, {
          name: model === "" ? "The model" : model,
          actions,
          waiting: isGrowing ? this.#waitingText(run) : null,
        });
        if (isGrowing) this.#growing = view;
        return [...before, view.element];
      }),
    );
    // What had the focus is gone.
    if (hadFocus) byId("log", HTMLElement).focus({ preventScroll: true });
    this.#showToLatest();
  }

  /** Shows what the growing answer has now; once a frame is enough. */
  grow() {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    requestAnimationFrame(() => {
      this.#isScheduled = false;
      const run = this.#chat.runOf();
      if (run === null) return;
      const isAtEnd = this.#isAtEnd;
      this.#growing?.update(this.#waitingText(run));
      if (isAtEnd) this.scrollToEnd();
    });
  }

  scrollToEnd() {
    this.#end.scrollIntoView({ block: "end" });
    this.#isAtEnd = true;
    this.#showToLatest();
  }

  /** Keeps the end in sight if it was. */
  followEnd() {
    if (this.#isAtEnd) this.scrollToEnd();
  }

  #showToLatest() {
    this.#toLatest.hidden = this.#isAtEnd ||
      this.#chat.current.messages.length === 0;
  }
}

/**
 * @param {string} model
 * @returns {string} What to expect of it.
 */
function welcomeOf(model) {
  if (model === "") return "";
  return /stories/.test(model)
    ? `${model} is a small model that tells children’s stories. It is no` +
      " assistant: give it a beginning, or one of these."
    : `You talk with ${model}. Nothing leaves this server; conversations are` +
      " kept in this browser.";
}
