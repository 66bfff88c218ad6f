// @ts-check
import { newId, titleOf } from "./conversation_file.js";
import { ChatFailure } from "./failure.js";
import { requestFields } from "./settings.js";
import { streamChat } from "./stream_chat.js";
import { shortened, toldMessages } from "./told_messages.js";

/** @typedef {import("./conversation_file.js").Conversation} Conversation */
/** @typedef {import("./conversation_file.js").Message} Message */
/** @typedef {import("./conversations.js").Conversations} Conversations */
/** @typedef {import("./settings.js").Settings} Settings */

/**
 * An answer that is on its way.
 *
 * @typedef {object} Run
 * @property {Conversation} conversation
 * @property {Message} message
 * @property {AbortController} controller
 * @property {number} startedMs
 * @property {string} comment What the server said while it waits.
 */

/** How often a growing answer is kept. */
const SAVE_MS = 1000;

/**
 * Conversations and their answers, without what shows them. Answers go on while
 * another conversation is open.
 */
export class Chat {
  /** @type {Conversation} The one that is open. */
  current = emptyConversation();
  /** The model to ask, as the server names it. */
  model = "";
  /** Whether all that there is was kept. */
  isKept = true;
  /** @type {Map<string, Run>} By conversation. */
  #runs = new Map();
  #conversations;
  #settings;
  #listeners;
  #stream;

  /**
   * @param {{ conversations: Conversations, settings: () => Settings,
   *   onMessages: () => void, onList: () => void, onGrow: (run: Run) => void,
   *   onEnd: (run: Run) => void, stream?: typeof streamChat }} options
   *   `onMessages`: there are other messages in the open conversation, or
   *   another is open; `onList`: conversations came, went or changed; `onGrow`:
   *   an answer has more text, or still waits; `onEnd`: an answer is over.
   */
  constructor(
    {
      conversations,
      settings,
      onMessages,
      onList,
      onGrow,
      onEnd,
      stream = streamChat,
    },
  ) {
    this.#conversations = conversations;
    this.#settings = settings;
    this.#listeners = { onMessages, onList, onGrow, onEnd };
    this.#stream = stream;
  }

  /** @returns {Conversation[]} Those that are kept, the latest first. */
  list() {
    const running = [...this.#runs.values()].map((run) => run.conversation);
    const ids = new Set(running.map(({ id }) => id));
    const kept = this.#conversations.list().filter(({ id }) => !ids.has(id));
    return [...running, ...kept].sort((a, b) => b.updatedMs - a.updatedMs);
  }

  /**
   * @param {string} [id]
   * @returns {Run | null} The answer on its way in a conversation.
   */
  runOf(id = this.current.id) {
    return this.#runs.get(id) ?? null;
  }

  startNew() {
    this.#show(emptyConversation());
  }

  /** @param {string} id */
  open(id) {
    this.#show(this.#find(id) ?? emptyConversation());
  }

  /**
   * Takes in what another tab did to a conversation.
   *
   * @param {string} id
   */
  reread(id) {
    if (this.current.id === id && this.runOf() === null) {
      this.#show(this.#conversations.get(id) ?? emptyConversation());
    } else this.#listeners.onList();
  }

  /**
   * @param {string} id
   * @param {string} title
   */
  rename(id, title) {
    const conversation = this.#find(id);
    if (conversation === null || title.trim() === "") return;
    conversation.title = title.trim();
    if (this.current.id === id) this.current.title = conversation.title;
    this.#save(conversation);
    this.#listeners.onList();
  }

  /** @param {string} id */
  remove(id) {
    const run = this.runOf(id);
    this.#runs.delete(id);
    run?.controller.abort();
    this.#conversations.remove(id);
    // There may be room now for what did not fit.
    this.isKept = true;
    if (this.current.id === id) this.#show(emptyConversation());
    else {
      if (this.current.messages.length > 0) this.#save(this.current);
      this.#listeners.onList();
    }
  }

  /**
   * Sends a message and takes in the answer.
   *
   * @param {string} text
   * @returns {Promise<void>} When the answer is over.
   */
  send(text) {
    const conversation = this.current;
    if (text.trim() === "" || this.runOf() !== null) return Promise.resolve();
    if (conversation.messages.length === 0) conversation.title = titleOf(text);
    conversation.messages.push({ role: "user", content: text });
    return this.#answer(conversation);
  }

  /** Asks once more for the last answer. */
  regenerate() {
    const conversation = this.current;
    if (this.runOf() !== null) return Promise.resolve();
    const last = conversation.messages.at(-1);
    if (last?.role === "assistant") conversation.messages.pop();
    return this.#answer(conversation);
  }

  /**
   * Puts another text in place of the user's last message, and sends it.
   *
   * @param {string} text
   */
  resend(text) {
    const { messages } = this.current;
    const index = messages.findLastIndex(({ role }) => role === "user");
    if (index === -1 || text.trim() === "" || this.runOf() !== null) {
      return Promise.resolve();
    }
    messages.splice(index);
    return this.send(text);
  }

  /** @returns {boolean} Whether there is anything that can be left out. */
  get canShorten() {
    return shortened(this.current) !== this.current.firstSent;
  }

  /** Leaves out the oldest messages, and asks again. */
  shorten() {
    this.current.firstSent = shortened(this.current);
    return this.regenerate();
  }

  /** Stops the answer in the open conversation; what came of it stays. */
  stop() {
    this.runOf()?.controller.abort();
  }

  /** Keeps what has come of answers; the page may be gone soon. */
  saveAll() {
    for (const { conversation } of this.#runs.values()) {
      this.#save(conversation);
    }
  }

  /**
   * Asks for the answer to the user's last message.
   *
   * @param {Conversation} conversation
   */
  async #answer(conversation) {
    /** @type {Message} */
    const message = { role: "assistant", content: "" };
    const controller = new AbortController();
    const startedMs = performance.now();
    const body = this.#requestOf(conversation);
    /** @type {Run} */
    const run = { conversation, message, controller, startedMs, comment: "" };
    conversation.messages.push(message);
    conversation.updatedMs = Date.now();
    this.#runs.set(conversation.id, run);
    this.#save(conversation);
    this.#changed(conversation);
    try {
      await this.#take(run, body);
    } catch (error) {
      if (controller.signal.aborted) message.end = "stopped";
      else {
        const { kind, said } = ChatFailure.of(error);
        message.end = "failed";
        message.failure = { kind, said };
      }
    }
    // A conversation that was removed stays so.
    if (this.#runs.get(conversation.id) !== run) return;
    this.#runs.delete(conversation.id);
    conversation.updatedMs = Date.now();
    this.#save(conversation);
    this.#listeners.onEnd(run);
    this.#changed(conversation);
  }

  /**
   * @param {Run} run
   * @param {Record<string, unknown>} body
   */
  async #take(run, body) {
    const { conversation, message, controller: { signal } } = run;
    let savedMs = run.startedMs;
    for await (const event of this.#stream(body, { signal })) {
      if (event.kind === "waiting") run.comment = event.comment;
      if (event.kind === "text") message.content += event.text;
      if (event.kind === "end") {
        message.end = event.finish === "length" ? "length" : "stop";
        if (event.stats !== null) message.stats = event.stats;
        return;
      }
      if (performance.now() - savedMs > SAVE_MS) {
        savedMs = performance.now();
        this.#save(conversation);
      }
      this.#listeners.onGrow(run);
    }
  }

  /** @param {Conversation} conversation */
  #show(conversation) {
    this.current = conversation;
    this.#changed(conversation);
  }

  /** @param {Conversation} conversation */
  #changed(conversation) {
    if (conversation.id === this.current.id) this.#listeners.onMessages();
    this.#listeners.onList();
  }

  /** @param {Conversation} conversation */
  #requestOf(conversation) {
    const settings = this.#settings();
    return {
      ...this.model === "" ? {} : { model: this.model },
      messages: toldMessages(conversation, settings["system"] ?? ""),
      ...requestFields(settings),
    };
  }

  /** @param {Conversation} conversation */
  #save(conversation) {
    this.isKept = this.#conversations.save(conversation);
  }

  /**
   * @param {string} id
   * @returns {Conversation | null}
   */
  #find(id) {
    if (this.current.id === id) return this.current;
    return this.runOf(id)?.conversation ?? this.#conversations.get(id);
  }
}

/** @returns {Conversation} */
function emptyConversation() {
  return {
    id: newId(),
    title: titleOf(""),
    updatedMs: Date.now(),
    firstSent: 0,
    messages: [],
  };
}
