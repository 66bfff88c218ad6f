// @ts-check
/// <reference lib="dom" />
import { exportConversations } from "./conversation_file.js";
import { byId, h, setText, svg } from "./dom.js";
import { countOf } from "./format.js";

/** @typedef {import("./chat.js").Chat} Chat */
/** @typedef {import("./conversations.js").Conversations} Conversations */
/** @typedef {import("./conversation_file.js").Conversation} Conversation */

/** The list of conversations: open, rename, delete, to a file and back. */
export class ConversationList {
  #chat;
  #conversations;
  #onOpen;
  #panel = byId("conversations", HTMLElement);
  #list = byId("conversation-list", HTMLUListElement);
  #note = byId("storage-note", HTMLElement);
  /** The one whose title is being typed. */
  #renamed = "";

  /**
   * @param {Chat} chat
   * @param {{ conversations: Conversations, onOpen: () => void }} options
   *   `onOpen`: another conversation was opened.
   */
  constructor(chat, { conversations, onOpen }) {
    this.#chat = chat;
    this.#conversations = conversations;
    this.#onOpen = onOpen;
    byId("new-conversation", HTMLButtonElement).addEventListener(
      "click",
      () => {
        chat.startNew();
        this.#close();
      },
    );
    byId("export", HTMLButtonElement)
      .addEventListener("click", () => this.#export());
    const file = byId("import-file", HTMLInputElement);
    byId("import", HTMLButtonElement)
      .addEventListener("click", () => file.click());
    file.addEventListener("change", () => this.#import(file));
  }

  /** Shows the list anew. */
  show() {
    // What is being typed there stays.
    if (this.#renamed !== "" && this.#list.querySelector("input")) return;
    const focused = document.activeElement?.getAttribute("data-key");
    this.#list.replaceChildren(
      ...this.#chat.list().map((conversation) => this.#rowOf(conversation)),
    );
    if (focused) {
      const same = `[data-key="${CSS.escape(focused)}"]`;
      const element = this.#list.querySelector(same);
      if (element instanceof HTMLElement) element.focus();
    }
    if (!this.#chat.isKept) {
      this.#tell(
        "This browser has no more room: the latest messages are not kept." +
          " Export conversations and delete some.",
      );
    } else if (this.#note.dataset["about"] === "room") this.#tell("");
    if (!this.#chat.isKept) this.#note.dataset["about"] = "room";
  }

  /** @param {Conversation} conversation */
  #rowOf({ id, title }) {
    if (this.#renamed === id) return h("li", {}, this.#titleInput(id, title));
    const isCurrent = this.#chat.current.id === id;
    const isRunning = this.#chat.runOf(id) !== null;
    const classes = [isCurrent ? "current" : "", isRunning ? "running" : ""];
    return h(
      "li",
      { class: classes.join(" ").trim() },
      h("button", {
        "type": "button",
        "class": "open",
        "title": title,
        "data-key": id,
        "aria-current": isCurrent ? "true" : false,
        "aria-label": isRunning ? `${title}, answering` : false,
        click: () => {
          this.#chat.open(id);
          this.#close();
        },
      }, h("span", {}, title)),
      this.#smallButton("Rename", { id, title }, PENCIL, () => {
        this.#renamed = id;
        this.show();
        const input = this.#list.querySelector("input");
        input?.focus();
        input?.select();
      }),
      this.#smallButton(
        "Delete",
        { id, title },
        CROSS,
        () => this.#remove(id, title),
      ),
    );
  }

  /**
   * @param {string} word
   * @param {{ id: string, title: string }} conversation
   * @param {string} path
   * @param {() => void} click
   */
  #smallButton(word, { id, title }, path, click) {
    return h("button", {
      "type": "button",
      "class": "more",
      "title": word,
      "aria-label": `${word} ${title}`,
      "data-key": `${id} ${word}`,
      click,
    }, icon(path));
  }

  /**
   * @param {string} id
   * @param {string} title
   */
  #titleInput(id, title) {
    const input = h("input", { "aria-label": "Title", "maxlength": 120 });
    input.value = title;
    const end = (/** @type {boolean} */ isKept) => {
      if (this.#renamed !== id) return;
      this.#renamed = "";
      if (isKept) this.#chat.rename(id, input.value);
      this.show();
      const open = this.#list.querySelector(`[data-key="${CSS.escape(id)}"]`);
      if (open instanceof HTMLElement) open.focus();
    };
    input.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "Enter") {
        event.preventDefault(); // It would press what gets the focus.
        end(true);
      }
      if (event.key === "Escape") {
        event.preventDefault();
        event.stopPropagation();
        end(false);
      }
    });
    input.addEventListener("blur", () => end(true));
    return input;
  }

  /**
   * @param {string} id
   * @param {string} title
   */
  #remove(id, title) {
    if (!confirm(`Delete “${title}”?`)) return;
    this.#chat.remove(id);
    byId("new-conversation", HTMLButtonElement).focus();
  }

  #close() {
    if (this.#panel.matches(":popover-open")) this.#panel.hidePopover();
    this.#onOpen();
  }

  #export() {
    const all = this.#chat.list();
    const json = exportConversations(all);
    const url = URL.createObjectURL(
      new Blob([json], { type: "application/json" }),
    );
    h("a", { href: url, download: "moeno-conversations.json" }).click();
    // Some browsers begin later.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    this.#tell(`${countOf(all.length, "conversation")} exported.`);
  }

  /** @param {HTMLInputElement} input */
  async #import(input) {
    const [file] = input.files ?? [];
    input.value = ""; // so that the same file can be chosen again
    if (file === undefined) return;
    try {
      const { added, lost } = this.#conversations.import(await file.text());
      this.show();
      const room = lost === 0 ? "" : ` No room for ${lost} more.`;
      this.#tell(`${countOf(added, "conversation")} imported.${room}`);
    } catch (error) {
      this.#tell(error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {string} text */
  #tell(text) {
    delete this.#note.dataset["about"];
    setText(this.#note, text);
  }
}

const PENCIL = "M3 13l.6-2.6L10.8 3.2l2 2L5.6 12.4z";
const CROSS = "M4 4l8 8M12 4l-8 8";

/** @param {string} path */
function icon(path) {
  return svg(
    "svg",
    { "class": "icon", "viewBox": "0 0 16 16", "aria-hidden": "true" },
    svg("path", { d: path }),
  );
}
