import type { Sequence } from "./sequence.ts";
import { type StopMatch, StopMatcher } from "./stop_matcher.ts";

/** Ids to text that ends before a stop string. */
export class TextStream {
  /** All text so far. */
  all = "";
  /** The stop string that ended the text. */
  stopString: string | undefined;
  readonly #decoder;
  readonly #matcher;

  /**
   * Begins the text behind a prompt.
   *
   * @param sequence Whose tokens they are.
   * @param prompt The prompt's ids.
   * @param stop Strings that end the text.
   */
  constructor(
    { vocabulary }: Sequence,
    prompt: readonly number[],
    stop: readonly string[],
  ) {
    this.#decoder = vocabulary.decoder(prompt);
    this.#matcher = new StopMatcher(stop);
  }

  /** Takes the next id; returns the text that is certain now. */
  push(id: number): string {
    return this.#add(this.#matcher.push(this.#decoder.push(id)));
  }

  /** Ends the text; returns what was held back. */
  flush(): string {
    if (this.stopString !== undefined) return "";
    const text = this.#add(this.#matcher.push(this.#decoder.flush()));
    if (this.stopString !== undefined) return text;
    return text + this.#add({ text: this.#matcher.flush() });
  }

  #add({ text, stopString }: StopMatch): string {
    this.all += text;
    this.stopString = stopString;
    return text;
  }
}
