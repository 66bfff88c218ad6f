/** `GET /events`: what the model does, live. */

import { ApiError } from "../http/api_error.ts";
import { EVENT_STREAM_HEADERS } from "../http/event_stream.ts";
import { serverStops } from "../request_life.ts";
import type { QueueLength } from "../request_queue.ts";
import type { RequestListener } from "../request_record.ts";
import type { ServedEngine } from "../served_engine.ts";
import { ExpertTally } from "./expert_tally.ts";
import type { LiveEventData } from "./live_event.ts";
import { liveModel } from "./live_model.ts";
import { type LiveCounts, liveRates } from "./live_rates.ts";
import { Viewer } from "./viewer.ts";

/** What experts do is told this often, if they do anything. */
const EXPERTS_MS = 100;

/** How fast things go is told this often. */
const RATES_MS = 1000;

/** Each takes a connection, and has every event written for it. */
const VIEWER_LIMIT = 16;

/** What the events are about. */
export interface LiveEventsOptions {
  /** The model. */
  readonly engine: Pick<
    ServedEngine,
    | "name"
    | "adapter"
    | "contextLength"
    | "config"
    | "experts"
    | "offloadStats"
  >;
  /** Who is with it, and who waits. */
  readonly queue: QueueLength;
}

/**
 * Tells those who look on what the model does. What experts do is collected once for
 * all of them, and not at all while there are none. `rates` come every second, at rest
 * too, so that nobody takes the connection for dead.
 */
export class LiveEvents implements RequestListener, Disposable {
  readonly #options: LiveEventsOptions;
  readonly #viewers = new Set<Viewer>();
  readonly #tally = new ExpertTally();
  readonly #startMs = performance.now();
  #tokenCount = 0;
  #promptTokenCount = 0;
  /** What runs while anybody looks on. */
  #watching: DisposableStack | null = null;
  /** What was counted when rates were last told. */
  #before: LiveCounts;
  #isDisposed = false;

  /**
   * Begins without viewers.
   *
   * @param options The model and its queue.
   */
  constructor(options: LiveEventsOptions) {
    this.#options = options;
    this.#before = this.#counts();
  }

  /** How many look on. */
  get viewerCount(): number {
    return this.#viewers.size;
  }

  /** Counts a token of an answer. */
  token(): void {
    this.#tokenCount++;
  }

  /** Counts tokens of a prompt that have run. */
  promptTokens(count: number): void {
    this.#promptTokenCount += count;
  }

  /**
   * Answers with events, until the client goes away or the server stops.
   *
   * @param request The request.
   * @returns The response.
   * @throws {ApiError} If too many look on, or the server stops (503).
   */
  respond(request: Request): Response {
    if (this.#isDisposed || this.#viewers.size >= VIEWER_LIMIT) {
      throw notNow(this.#isDisposed);
    }
    const viewer = new Viewer({ onGone: () => this.#remove(viewer) });
    this.#viewers.add(viewer);
    this.#watching ??= this.#watch();
    request.signal.addEventListener("abort", () => this.#remove(viewer));
    const { engine } = this.#options;
    viewer.send("model", liveModel(engine));
    viewer.send("experts", { ...this.#experts(), uses: [] });
    return new Response(viewer.body, { headers: EVENT_STREAM_HEADERS });
  }

  /** Ends all streams. */
  [Symbol.dispose](): void {
    this.#isDisposed = true;
    for (const viewer of this.#viewers) this.#remove(viewer);
  }

  /** Listens to the model, and begins to tell. */
  #watch(): DisposableStack {
    const watching = new DisposableStack();
    const { experts } = this.#options.engine;
    watching.use(experts.watch((activity) => this.#tally.add(activity)));
    this.#before = this.#counts();
    for (
      const [ms, tell] of [
        [EXPERTS_MS, () => this.#tellExperts()],
        [RATES_MS, () => this.#tellRates()],
      ] as const
    ) {
      const timer = setInterval(tell, ms);
      watching.defer(() => clearInterval(timer));
    }
    return watching;
  }

  #remove(viewer: Viewer): void {
    viewer.close();
    if (!this.#viewers.delete(viewer) || this.#viewers.size > 0) return;
    this.#watching?.dispose();
    this.#watching = null;
    this.#tally.take(); // the next viewer's first event says who is there
  }

  #tellExperts(): void {
    const uses = this.#tally.take();
    if (uses.length > 0) this.#send("experts", { ...this.#experts(), uses });
  }

  #tellRates(): void {
    const now = this.#counts();
    this.#send("rates", liveRates(now, this.#before, this.#options.queue));
    this.#before = now;
  }

  #send<Name extends keyof LiveEventData>(
    name: Name,
    data: LiveEventData[Name],
  ): void {
    for (const viewer of this.#viewers) viewer.send(name, data);
  }

  #experts() {
    const resident = this.#options.engine.experts.resident();
    return { timeMs: this.#timeMs, resident };
  }

  #counts(): LiveCounts {
    return {
      timeMs: this.#timeMs,
      tokenCount: this.#tokenCount,
      promptTokenCount: this.#promptTokenCount,
      offload: this.#options.engine.offloadStats?.snapshot() ?? null,
    };
  }

  get #timeMs(): number {
    return Math.round(performance.now() - this.#startMs);
  }
}

function notNow(isStopping: boolean): ApiError {
  return isStopping ? serverStops() : new ApiError(
    `Cannot send events: ${VIEWER_LIMIT} look on already, wanted fewer`,
    {
      status: 503,
      code: "too_many_viewers",
      headers: { "retry-after": "10" },
    },
  );
}
