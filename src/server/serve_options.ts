import { showJson } from "../io/show_json.ts";
import type { RequestRecord } from "./request_record.ts";

/** How to serve a model. */
export interface ServeOptions {
  /**
   * The address to listen at. Any other than this machine's own lets others in.
   *
   * @default {"127.0.0.1"}
   */
  readonly host?: string | undefined;
  /**
   * The port; 0 takes a free one.
   *
   * @default {8080}
   */
  readonly port?: number | undefined;
  /** The key that all requests but `/health` need; none if anybody may ask. */
  readonly apiKey?: string | undefined;
  /** Origins of web pages that may ask, as in `https://example.com`; `*` is all. */
  readonly cors?: readonly string[] | undefined;
  /**
   * The most requests that wait while another runs; more get status 429.
   *
   * @default {64}
   */
  readonly maxQueue?: number | undefined;
  /**
   * How long a request may take, in ms, waiting included.
   *
   * @default {600_000}
   */
  readonly timeoutMs?: number | undefined;
  /**
   * The most bytes of a request's body.
   *
   * @default {8388608}
   */
  readonly maxBodyBytes?: number | undefined;
  /**
   * How long answers that have begun may go on when the server stops, in ms.
   *
   * @default {10_000}
   */
  readonly graceMs?: number | undefined;
  /**
   * How long a reader may take nothing of a stream, in ms, before it is cut off:
   * others wait for the model.
   *
   * @default {10_000}
   */
  readonly stallMs?: number | undefined;
  /**
   * How long a stream that waits for its turn goes without a response, in ms: until
   * then a server that stops turns it away with status 503, and a load balancer can
   * ask another one. Later its response has begun, and the server answers it first.
   *
   * @default {10_000}
   */
  readonly headMs?: number | undefined;
  /** Hears of every request once it has been answered. */
  readonly onRequest?: ((record: RequestRecord) => void) | undefined;
}

/** Options with nothing left open. */
export type ServeSettings =
  & { readonly [K in keyof typeof DEFAULTS]: NonNullable<ServeOptions[K]> }
  & Pick<ServeOptions, "apiKey" | "onRequest">;

const DEFAULTS = {
  host: "127.0.0.1",
  port: 8080,
  cors: [],
  maxQueue: 64,
  timeoutMs: 600_000,
  maxBodyBytes: 8 << 20,
  graceMs: 10_000,
  stallMs: 10_000,
  headMs: 10_000,
} as const satisfies ServeOptions;

/** What the value of a header can be, as it is: ASCII, without spaces around it. */
const KEY = /^[!-~]([ -~]*[!-~])?$/;

/** An origin as browsers write it; apps have schemes of their own. */
const ORIGIN = /^(\*|null|[a-z][a-z0-9+.-]*:\/\/[^\s/?#@*A-Z]+)$/;

/** Timers of more milliseconds fire at once. */
const MOST_MS = 2 ** 31 - 1;

/** The whole numbers that options may be. */
const RANGES = {
  port: [0, 65535],
  maxQueue: [0, 100_000],
  timeoutMs: [1, MOST_MS],
  maxBodyBytes: [1, 2 ** 30],
  graceMs: [0, MOST_MS],
  stallMs: [1, MOST_MS],
  headMs: [0, MOST_MS],
} as const;

/**
 * Checks options and fills in what is missing.
 *
 * @param options What the caller asks for.
 * @returns Settings with nothing left open.
 * @throws {RangeError} If a number is out of range, the key is none that a header can
 * have, or an origin is none.
 */
export function serveSettings(options: ServeOptions): ServeSettings {
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  );
  const settings = { ...DEFAULTS, ...given } as ServeSettings;
  const { apiKey, cors } = settings;
  for (const [name, [min, max]] of Object.entries(RANGES)) {
    const value = settings[name as keyof typeof RANGES];
    if (Number.isInteger(value) && value >= min && value <= max) continue;
    throw refused(`${name} is ${value}`, `an integer from ${min} to ${max}`);
  }
  if (apiKey === "") {
    throw refused("the API key is empty", "at least one character, or none");
  }
  if (apiKey !== undefined && !KEY.test(apiKey)) {
    throw refused(
      "the API key has characters that no header can have",
      "ASCII without line breaks, or spaces around it",
    );
  }
  const wrong = cors.find((origin) => !ORIGIN.test(origin));
  if (wrong !== undefined) {
    throw refused(
      `cors has ${showJson(wrong)}`,
      "origins such as https://example.com or http://localhost:3000, or *",
    );
  }
  return settings;
}

function refused(state: string, wanted: string): RangeError {
  return new RangeError(`Cannot serve: ${state}, wanted ${wanted}`);
}
