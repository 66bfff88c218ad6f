// @ts-check
import { newId, parseConversation, parseExport } from "./conversation_file.js";
import { keep } from "./storage.js";

/** @typedef {import("./conversation_file.js").Conversation} Conversation */

/** Keys of the browser's storage begin with it. */
const PREFIX = "moeno.conversation.";

/**
 * The most characters that conversations may take together. Browsers give about
 * 5 million to all pages of an origin, and other programs may have used ours.
 */
export const MAX_CHARACTERS = 4_000_000;

/**
 * The conversations that a browser keeps, one under each key.
 */
export class Conversations {
  /** @type {Storage} */
  #storage;
  /** @type {number} */
  #maxCharacters;

  /**
   * @param {Storage} storage
   * @param {{ maxCharacters?: number }} [options]
   */
  constructor(storage, { maxCharacters = MAX_CHARACTERS } = {}) {
    this.#storage = storage;
    this.#maxCharacters = maxCharacters;
  }

  /** @returns {Conversation[]} All of them, the latest first. */
  list() {
    return this.#keys().flatMap((key) => {
      const conversation = parseConversation(this.#storage.getItem(key));
      return conversation === null ? [] : [conversation];
    }).sort((a, b) => b.updatedMs - a.updatedMs);
  }

  /**
   * @param {string} id
   * @returns {Conversation | null}
   */
  get(id) {
    return parseConversation(this.#storage.getItem(PREFIX + id));
  }

  /**
   * Keeps a conversation as it is now.
   *
   * @param {Conversation} conversation
   * @returns {boolean} Whether there was room. If not, what was kept of it
   *   before still is.
   */
  save(conversation) {
    const key = PREFIX + conversation.id;
    const json = JSON.stringify(conversation);
    const others = this.#keys().filter((other) => other !== key);
    const taken = others.reduce(
      (sum, other) => sum + (this.#storage.getItem(other)?.length ?? 0),
      0,
    );
    if (taken + json.length > this.#maxCharacters) return false;
    return keep(this.#storage, key, json);
  }

  /** @param {string} id */
  remove(id) {
    this.#storage.removeItem(PREFIX + id);
  }

  /**
   * Adds the conversations of a file. Those that are here already stay; an id
   * that is taken by another conversation is given anew.
   *
   * @param {string} json What `exportConversations()` wrote.
   * @returns {{ added: number, lost: number }} How many are new, and for how
   *   many there was no room.
   * @throws {SyntaxError} If it is no such file.
   */
  import(json) {
    let added = 0;
    let lost = 0;
    for (const conversation of parseExport(json)) {
      const mine = this.get(conversation.id);
      if (JSON.stringify(mine) === JSON.stringify(conversation)) continue;
      const id = mine === null ? conversation.id : newId();
      if (this.save({ ...conversation, id })) added++;
      else lost++;
    }
    return { added, lost };
  }

  /**
   * @param {string | null} key Of an event of the storage; `null` if all of it
   *   was cleared.
   * @returns {string | null} The conversation that it is about, if any.
   */
  static idOfKey(key) {
    return key?.startsWith(PREFIX) ? key.slice(PREFIX.length) : null;
  }

  #keys() {
    const keys = [];
    for (let i = 0; i < this.#storage.length; i++) {
      const key = this.#storage.key(i);
      if (key?.startsWith(PREFIX)) keys.push(key);
    }
    return keys;
  }
}
