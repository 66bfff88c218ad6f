/** What `GET /events` sends: an event's name, and the JSON of its data. */

/** What is served; sent once, first. */
export interface ModelEvent {
  /** The name of the model. */
  readonly name: string;
  /** What people call the GPU. */
  readonly adapter: string;
  /** Layers of the model. */
  readonly layerCount: number;
  /** Experts of a layer. */
  readonly expertCount: number;
  /** Experts of a token, in a layer. */
  readonly topK: number;
  /** Positions of the KV cache. */
  readonly contextLength: number;
  /** Slots of each layer: (layerCount) */
  readonly slots: readonly number[];
  /** Where experts are that are in no slot. */
  readonly store: LiveStore;
}

/**
 * Where experts are that are in no slot: in none other, in memory that the GPU reads
 * by itself, in ordinary memory, on the disk, or in several of these.
 */
export type LiveStore = "resident" | "pinned" | "memory" | "disk" | "mixed";

/**
 * What an expert did since the last event: layer, expert, and how often it was used
 * where it was, had to be brought in, and was (in part) brought in by a guess.
 */
export type LiveUse = readonly [
  layer: number,
  expert: number,
  hits: number,
  misses: number,
  prefetches: number,
];

/** What experts did since the last event, and where they are. */
export interface ExpertsEvent {
  /** Milliseconds since the server started. */
  readonly timeMs: number;
  /** The experts that did anything. A chunk of a prompt is one use. */
  readonly uses: readonly LiveUse[];
  /** The experts in the slots of each layer: (layerCount) lists */
  readonly resident: readonly (readonly number[])[];
}

/** How fast things go: of the last second, if nothing else is said. */
export interface RatesEvent {
  /** Milliseconds since the server started. */
  readonly timeMs: number;
  /** Tokens of answers. */
  readonly tokensPerSecond: number;
  /** Tokens of prompts that ran. */
  readonly promptTokensPerSecond: number;
  /** Bytes of experts that were moved to the GPU. */
  readonly linkBytesPerSecond: number;
  /** Which share of decode's uses found their expert in a slot; `null` if none. */
  readonly hitRate: number | null;
  /** Uses in decode that found their expert in a slot, since the model was loaded. */
  readonly hits: number;
  /** Uses in decode that did not, since then. */
  readonly misses: number;
  /** Bytes of guessed experts that were of use, since then. */
  readonly prefetchUsedBytes: number;
  /** Bytes of guessed experts that were not, since then. */
  readonly prefetchWastedBytes: number;
  /** Requests with the model, now. */
  readonly running: number;
  /** Requests that wait, now. */
  readonly queued: number;
}

/** All events by name. */
export interface LiveEventData {
  readonly model: ModelEvent;
  readonly experts: ExpertsEvent;
  readonly rates: RatesEvent;
}
