// @ts-check
/// <reference lib="dom" />
import { byId, h } from "./dom.js";
import { AnswerView, userMessage } from "./message_view.js";

/** @typedef {import("./chat.js").Chat} Chat */
/** @typedef {import("./chat.js").Run} Run */
/** @typedef {import("./message_view.js").MessageActions} MessageActions */

/** What an empty page offers to say to a model that tells stories. */
const STORY_PROMPTS = [
  "Tell me a story about a little bird",
  "Tell me a story about a boy who finds a key",
  "Tell me a story about a dog and the rain",
];

/** What it offers to say to others. */
const PROMPTS = [
  "Tell me a story about a little bird",
  "Explain in plain words how a mixture of experts works",
  "Write a haiku about waiting for memory",
];

/** Shows the open conversation, and keeps its end in sight while it grows. */
export class ChatView {
  #chat;
  #actions;
  #send;
  #waitingText;
  #messages = byId("messages", HTMLElement);
  #welcome = byId("welcome", HTMLElement);
  #scroller = byId("chat", HTMLElement);
  #end = byId("chat-end", HTMLElement);
  #toLatest = byId("to-latest", HTMLButtonElement);
  /** @type {AnswerView | null} The answer that is on its way. */
  #growing = null;
  #isScheduled = false;
  /** Whether the end is in sight, so that it shall stay there. */
  #follows = true;
  /** How far was scrolled when that was last looked at. */
  #top = 0;

  /**
   * @param {Chat} chat
   * @param {{ actions: MessageActions, send: (text: string) => void,
   *   waitingText: (run: Run) => string }} options
   */
  constructor(chat, { actions, send, waitingText }) {
    this.#send = send;
    this.#chat = chat;
    this.#actions = actions;
    this.#waitingText = waitingText;
    // Also of the page itself, which scrolls on narrow screens.
    const options = { capture: true, passive: true };
    document.addEventListener("scroll", () => this.#onScroll(), options);
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
    if (!this.#welcome.hidden) this.#showWelcome();
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
      this.#growing?.update(this.#waitingText(run));
      this.followEnd();
    });
  }

  scrollToEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    // On narrow screens the chat does not scroll; the page does.
    this.#end.scrollIntoView({ block: "end" });
    this.#top = this.#scrollTop();
    this.#follows = true;
    this.#showToLatest();
  }

  /** Keeps the end in sight if it was. */
  followEnd() {
    if (this.#follows) this.scrollToEnd();
  }

  /** Who scrolls up wants to read, whatever comes; at the end it goes on. */
  #onScroll() {
    const top = this.#scrollTop();
    const distance = this.#distanceToEnd();
    if (top < this.#top - 1 && distance > 2) this.#follows = false;
    else if (Math.abs(distance) < 24) this.#follows = true;
    else if (distance < 0) this.#follows = false; // at the experts below
    this.#top = top;
    this.#showToLatest();
  }

  #scrollTop() {
    return this.#scroller.scrollTop + scrollY;
  }

  /** @returns {number} Pixels from the bottom of what is seen to the end. */
  #distanceToEnd() {
    const { scrollHeight, clientHeight } = this.#scroller;
    const bottom = scrollHeight > clientHeight
      ? this.#scroller.getBoundingClientRect().bottom
      : innerHeight;
    return this.#end.getBoundingClientRect().bottom - bottom;
  }

  #showToLatest() {
    this.#toLatest.hidden = this.#follows ||
      this.#chat.current.messages.length === 0;
  }

  #showWelcome() {
    const { model } = this.#chat;
    const tellsStories = /stories/.test(model);
    const about = model === ""
      ? ""
      : tellsStories
      ? `${model} is a small model that tells children’s stories. It is no` +
        " assistant: give it a beginning, or one of these."
      : `You talk with ${model}. Conversations are kept in this browser.`;
    const prompts = tellsStories ? STORY_PROMPTS : PROMPTS;
    this.#welcome.replaceChildren(
      h("h3", {}, "Begin with a sentence."),
      h("p", {}, about),
      h(
        "div",
        { class: "prompts" },
        ...prompts.map((prompt) =>
          h(
            "button",
            { type: "button", click: () => this.#send(prompt) },
            prompt,
          )
        ),
      ),
    );
  }
}
