// @ts-check
/// <reference lib="dom" />
import { byId } from "./dom.js";
import { keep } from "./storage.js";

const DRAFT_KEY = "moeno.draft";

/** The field for messages, with Send or Stop beside it. */
export class Composer {
  #message = byId("message", HTMLTextAreaElement);
  #send = byId("send", HTMLButtonElement);
  #stop = byId("stop", HTMLButtonElement);

  /**
   * @param {{ storage: Storage, send: (text: string) => void,
   *   stop: () => void }} options `storage` keeps a draft while the page is
   *   loaded again.
   */
  constructor({ storage, send, stop }) {
    const submit = () => {
      if (this.#send.disabled || this.#send.hidden) return;
      const text = this.#message.value;
      this.#message.value = "";
      changed();
      send(text);
    };
    const changed = () => {
      this.#send.disabled = this.#message.value.trim() === "";
      this.#fit();
      keep(storage, DRAFT_KEY, this.#message.value);
    };
    this.#message.value = storage.getItem(DRAFT_KEY) ?? "";
    this.#message.addEventListener("input", changed);
    this.#message.addEventListener("keydown", (event) => {
      // While a character is being composed, Enter chooses it.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      submit();
    });
    byId("composer", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      submit();
    });
    this.#stop.addEventListener("click", stop);
    document.addEventListener("keydown", (event) => {
      // In a dialog or a panel, Esc closes that.
      const isOver = document.querySelector(":modal, :popover-open") !== null;
      if (event.key === "Escape" && !event.isComposing && !isOver) stop();
    });
    changed();
  }

  /** As high as its text, in browsers that do not see to that themselves. */
  #fit() {
    if (CSS.supports("field-sizing", "content")) return;
    this.#message.style.height = "auto";
    this.#message.style.height = `${this.#message.scrollHeight + 2}px`;
  }

  /** @param {boolean} isRunning Whether an answer is on its way. */
  show(isRunning) {
    const hadFocus = document.activeElement === this.#stop ||
      document.activeElement === this.#send;
    this.#send.hidden = isRunning;
    this.#stop.hidden = !isRunning;
    if (hadFocus) this.focus();
  }

  /** Takes the focus, unless that opens a keyboard over half of the screen. */
  focus() {
    if (matchMedia("(hover: none)").matches) return;
    this.#message.focus();
  }
}
