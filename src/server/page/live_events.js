// @ts-check
/// <reference lib="dom" />

/** @typedef {import("../live/live_event.ts").ModelEvent} ModelEvent */
/** @typedef {import("../live/live_event.ts").ExpertsEvent} ExpertsEvent */
/** @typedef {import("../live/live_event.ts").RatesEvent} RatesEvent */

/**
 * Whether the server is heard: not yet, it is, no longer, or nobody listens.
 *
 * @typedef {"connecting" | "open" | "lost" | "paused"} LiveState
 */

/** The server says something every second. After this, it is gone. */
const SILENCE_MS = 8000;

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 8000;

/**
 * Listens to `/events` for as long as the page is seen and somebody wants to:
 * browsers open six connections to a server at most, for all tabs together.
 * Connects again by itself.
 */
export class LiveEvents {
  #listeners;
  /** @type {EventSource | null} */
  #source = null;
  #isWanted = false;
  #retryMs = FIRST_RETRY_MS;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {{ onModel: (model: ModelEvent) => void,
   *   onExperts: (experts: ExpertsEvent) => void,
   *   onRates: (rates: RatesEvent) => void,
   *   onState: (state: LiveState) => void }} listeners
   */
  constructor(listeners) {
    this.#listeners = listeners;
    document.addEventListener("visibilitychange", () => this.#update());
  }

  /** @param {boolean} isWanted Whether anything that they change is shown. */
  listen(isWanted) {
    this.#isWanted = isWanted;
    this.#update();
  }

  #update() {
    const isOn = this.#isWanted && !document.hidden;
    if (isOn === (this.#source !== null)) return;
    this.#close();
    if (isOn) this.#open("connecting");
    else this.#listeners.onState("paused");
  }

  /** @param {"connecting" | "lost"} state Until it is open. */
  #open(state) {
    const { onModel, onExperts, onRates, onState } = this.#listeners;
    const source = new EventSource("events");
    this.#source = source;
    onState(state);
    this.#expectMore();
    /**
     * @param {string} type
     * @param {(data: any) => void} listener
     */
    const on = (type, listener) =>
      source.addEventListener(type, (event) => {
        this.#retryMs = FIRST_RETRY_MS;
        this.#expectMore();
        listener(JSON.parse(event.data));
      });
    on("model", onModel);
    on("experts", onExperts);
    on("rates", onRates);
    source.addEventListener("open", () => onState("open"));
    source.addEventListener("error", () => this.#retry());
  }

  /** A connection that died without a word is silent. */
  #expectMore() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#retry(), SILENCE_MS);
  }

  /** `EventSource` gives up for good when a server answers with an error. */
  #retry() {
    this.#source?.close();
    this.#listeners.onState("lost");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#open("lost"), this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
    this.#retryMs = FIRST_RETRY_MS;
  }
}
