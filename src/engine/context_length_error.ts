/** A prompt is longer than the context of the model. */
export class ContextLengthError extends RangeError {
  /** What it is called. */
  override readonly name = "ContextLengthError";
  /** Tokens of the prompt. */
  readonly promptTokens: number;
  /** Positions of the KV cache. */
  readonly contextLength: number;

  /**
   * Constructs it.
   *
   * @param promptTokens Tokens of the prompt.
   * @param contextLength Positions of the KV cache.
   */
  constructor(promptTokens: number, contextLength: number) {
    super(
      `Cannot generate: the prompt has ${promptTokens} tokens, the context ` +
        `holds ${contextLength}; shorten it or load the model with a longer ` +
        "context (--context), as far as the model allows",
    );
    this.promptTokens = promptTokens;
    this.contextLength = contextLength;
  }
}
