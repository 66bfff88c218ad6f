/**
 * Requests to a hub and to where it sends us.
 *
 * @module
 */
import { describeRefusal } from "./hub_refusal.ts";
import type { ModelReference } from "./model_reference.ts";
import { networkFailure } from "./network_failure.ts";
import { parseRateLimit, parseRetryAfter } from "./retry.ts";
import { TransientError } from "./transient_error.ts";

const MAX_REDIRECTS = 10;
const REDIRECTS = [301, 302, 303, 307, 308];
/** Worth another try: too early, too many, or trouble on the other side. */
const TRANSIENT = [408, 425, 429, 500, 502, 503, 504, 520, 522, 524];

/** How to talk to a hub. */
export interface HubClientOptions {
  /** The model that all requests are about. */
  readonly reference: ModelReference;
  /** Shown to the hub, and to nobody else. */
  readonly token: string | null;
  /** Milliseconds without a byte after which a request has failed. */
  readonly stallMs: number;
}

/** A request. */
export interface GetOptions {
  /** What it is for, as in `fetch config.json`. */
  readonly action: string;
  /** More headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Stops it. */
  readonly signal: AbortSignal;
}

/** A connection to a hub, or rather many. */
export class HubClient implements Disposable {
  readonly #options: HubClientOptions;
  // Over HTTP/2 all ranges would share one connection, and its speed.
  readonly #http = Deno.createHttpClient({ http1: true, http2: false });

  /**
   * Makes a client.
   *
   * @param options How to talk.
   */
  constructor(options: HubClientOptions) {
    this.#options = options;
  }

  /**
   * Asks for something. The bytes of the answer have to keep coming.
   *
   * @param address Its address at the hub.
   * @param options What for.
   * @param read Reads the answer, which is a 2xx.
   * @returns What `read` returned.
   * @throws {TransientError} If it is worth another try.
   * @throws {Error} If it is refused.
   */
  async get<T>(
    address: string,
    { action, headers, signal }: GetOptions,
    read: (response: Response, chunks: Chunks) => Promise<T>,
  ): Promise<T> {
    using watch = new StallWatch(this.#options.stallMs, signal);
    let host = new URL(address).host;
    try {
      const response = await this.#follow(address, {
        headers: headers ?? {},
        signal: watch.signal,
        onHop: (url) => host = url.host,
      });
      if (!response.ok) await this.#refuse(response, { action, host });
      return await read(response, watch.chunksOf(response, host));
    } catch (error) {
      signal.throwIfAborted();
      if (watch.isStalled) {
        const seconds = this.#options.stallMs / 1000;
        throw new TransientError(`${host} sent nothing for ${seconds} s`);
      }
      throw error;
    }
  }

  /** Redirects are ours to follow, so that no other host gets the token. */
  async #follow(
    address: string,
    { headers, signal, onHop }: {
      headers: Readonly<Record<string, string>>;
      signal: AbortSignal;
      onHop: (url: URL) => void;
    },
  ): Promise<Response> {
    const hub = new URL(this.#options.reference.endpoint).origin;
    const { token } = this.#options;
    let url = new URL(address);
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      onHop(url);
      const isHub = url.origin === hub;
      const response = await fetch(url, {
        redirect: "manual",
        client: this.#http,
        signal,
        headers: {
          ...headers,
          ...isHub && token !== null && { authorization: `Bearer ${token}` },
        },
      }).catch((error) => {
        throw networkFailure(url.host, error);
      });
      if (!REDIRECTS.includes(response.status)) return response;
      await response.body?.cancel();
      url = nextUrl(url, response.headers.get("location"));
    }
    throw new TransientError(`${url.host} redirects again and again`);
  }

  async #refuse(
    response: Response,
    { action, host }: { action: string; host: string },
  ): Promise<never> {
    const { status, headers } = response;
    await response.body?.cancel();
    const { reference, token } = this.#options;
    // Where a hub sends us to, permissions run out: it gives new ones.
    const isHub = host === new URL(reference.endpoint).host;
    if (TRANSIENT.includes(status) || !isHub) {
      const retryAfterMs =
        parseRetryAfter(headers.get("retry-after"), Date.now()) ??
          (status === 429
            ? parseRateLimit(headers.get("ratelimit"))
            : undefined);
      throw new TransientError(`${host} answered ${status}`, { retryAfterMs });
    }
    throw new Error(describeRefusal({
      action,
      status,
      errorCode: headers.get("x-error-code"),
      errorMessage: headers.get("x-error-message"),
      hasToken: token !== null,
    }, reference));
  }

  /** Closes all connections. */
  [Symbol.dispose](): void {
    this.#http.close();
  }
}

/** The bytes of an answer. */
export type Chunks = AsyncIterable<Uint8Array>;

/** Ends a request whose bytes do not come. */
class StallWatch implements Disposable {
  isStalled = false;
  readonly #controller = new AbortController();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly signal: AbortSignal;
  #lastMs = performance.now();

  constructor(stallMs: number, signal: AbortSignal) {
    this.signal = AbortSignal.any([this.#controller.signal, signal]);
    this.#timer = setInterval(() => {
      if (performance.now() - this.#lastMs < stallMs) return;
      this.isStalled = true;
      this.#controller.abort();
    }, Math.max(10, stallMs / 4));
  }

  async *chunksOf({ body }: Response, host: string): Chunks {
    if (body === null) return;
    try {
      for await (const chunk of body) {
        this.#lastMs = performance.now();
        yield chunk;
        // While we write, nobody waits for the other side.
        this.#lastMs = performance.now();
      }
    } catch (error) {
      throw networkFailure(host, error);
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    // Ends what was not read to its end.
    this.#controller.abort();
  }
}

function nextUrl(from: URL, location: string | null): URL {
  const url = location === null ? null : URL.parse(location, from);
  const isFit = url !== null && /^https?:$/.test(url.protocol) &&
    !(from.protocol === "https:" && url.protocol === "http:");
  if (isFit) return url;
  throw new TransientError(`${from.host} redirects to nowhere`);
}
