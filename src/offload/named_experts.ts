/**
 * The experts that the current call names: checks them, and remembers them
 * without allocating.
 */
export class NamedExperts {
  /** The call that last named each expert: (expertCount) */
  readonly #calls: Uint32Array;
  #call = 0;

  /**
   * Constructs it for a layer.
   *
   * @param expertCount How many experts the layer has.
   */
  constructor(expertCount: number) {
    this.#calls = new Uint32Array(expertCount);
  }

  /** Begins a call that names no expert yet. */
  begin(): void {
    this.#call++;
  }

  /** Names one more expert that exists. */
  add(id: number): void {
    this.#calls[id] = this.#call;
  }

  /** Whether the current call names the expert. */
  has(id: number): boolean {
    return this.#calls[id] === this.#call;
  }

  /**
   * Begins a call that names distinct experts.
   *
   * @param ids The experts.
   * @param action What is to be done to them, for the message.
   * @throws {RangeError} If one does not exist or is named twice.
   */
  beginWith(ids: readonly number[], action: string): void {
    this.begin();
    for (const id of ids) {
      this.check(id, action);
      if (this.has(id)) {
        throw new RangeError(
          `Cannot ${action} expert ${id}: it is named twice`,
        );
      }
      this.add(id);
    }
  }

  /**
   * Checks that an expert exists.
   *
   * @param id The expert.
   * @param action What is to be done to it, for the message.
   * @throws {RangeError} If it does not.
   */
  check(id: number, action: string): void {
    const { length } = this.#calls;
    if (Number.isInteger(id) && id >= 0 && id < length) return;
    throw new RangeError(
      `Cannot ${action} expert ${id}: the layer has experts 0 to ${length - 1}`,
    );
  }
}
