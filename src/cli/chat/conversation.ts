import type { Message } from "../../text/chat_template.ts";

/**
 * The messages of a chat. A turn is a user's message and its answer; a turn
 * that fails leaves no trace, so that roles always alternate.
 */
export class Conversation {
  /** What the model is told before, if anything. */
  system: string | undefined;
  #turns: Message[] = [];

  /**
   * Begins a conversation.
   *
   * @param system What the model is told before, if anything.
   */
  constructor(system: string | undefined) {
    this.system = system;
  }

  /** How many turns were answered. */
  get turnCount(): number {
    return this.#turns.length / 2;
  }

  /** All turns: a user's message, its answer, and so on. */
  get messages(): readonly Message[] {
    return this.#turns;
  }

  /** The last message of the user, if there is one. */
  get lastQuestion(): string | undefined {
    return this.#turns.at(-2)?.content;
  }

  /**
   * What the model sees for a new question.
   *
   * @param question The user's message.
   * @param options Whether it takes the place of the last turn.
   * @returns All messages, the question last.
   */
  ask(question: string, options: { isAgain: boolean }): Message[] {
    const turns = options.isAgain ? this.#turns.slice(0, -2) : this.#turns;
    const system = this.system === undefined
      ? []
      : [{ role: "system", content: this.system }];
    return [...system, ...turns, { role: "user", content: question }];
  }

  /**
   * Remembers a turn.
   *
   * @param question The user's message.
   * @param answer The model's.
   * @param options Whether they take the place of the last turn.
   */
  add(question: string, answer: string, options: { isAgain: boolean }): void {
    if (options.isAgain) this.#turns.splice(-2);
    this.#turns.push(
      { role: "user", content: question },
      { role: "assistant", content: answer },
    );
  }

  /**
   * Forgets the last turn.
   *
   * @returns The user's message; nothing if there is no turn.
   */
  undo(): string | undefined {
    return this.#turns.splice(-2)[0]?.content;
  }

  /**
   * Goes on with other turns.
   *
   * @param messages A user's message, its answer, and so on.
   */
  replace(messages: readonly Message[]): void {
    this.#turns = messages.map((message) => ({ ...message }));
  }

  /** Forgets all turns; the system message stays. */
  clear(): void {
    this.#turns = [];
  }
}
