// @ts-check

/**
 * What a stream of server-sent events holds: an event, or a comment, which
 * servers send to say that they are still there.
 *
 * @typedef {{ kind: "event", type: string, data: string }
 *   | { kind: "comment", text: string }} SseItem
 */

/**
 * Reads `text/event-stream`, piece by piece as it comes. (`EventSource` reads
 * answers to GET only.) Fields `id` and `retry` are ignored: an answer cannot
 * be taken up again.
 */
export class SseParser {
  /** What came after the last whole line. */
  #rest = "";
  #type = "";
  /** @type {string[]} */
  #data = [];

  /**
   * @param {string} text The next piece; it may end anywhere.
   * @returns {SseItem[]} What it completed.
   */
  push(text) {
    const items = /** @type {SseItem[]} */ ([]);
    // A carriage return at the end waits for the line feed that may follow.
    const whole = this.#rest + text;
    const lines = whole.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const item = this.#takeLine(line);
      if (item !== null) items.push(item);
    }
    return items;
  }

  /**
   * @param {string} line
   * @returns {SseItem | null}
   */
  #takeLine(line) {
    if (line === "") return this.#takeEvent();
    if (line.startsWith(":")) {
      return { kind: "comment", text: line.slice(1).trim() };
    }
    const [, name = "", value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (name === "event") this.#type = value;
    if (name === "data") this.#data.push(value);
    return null;
  }

  /** @returns {SseItem | null} */
  #takeEvent() {
    const type = this.#type === "" ? "message" : this.#type;
    const data = this.#data;
    this.#type = "";
    this.#data = [];
    if (data.length === 0) return null;
    return { kind: "event", type, data: data.join("\n") };
  }
}
