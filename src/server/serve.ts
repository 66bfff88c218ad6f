import {
  type AccessOptions,
  checkKey,
  checkOrigin,
  corsHeaders,
  preflight,
} from "./http/access.ts";
import { checkAddress } from "./http/address.ts";
import { ApiError, asApiError } from "./http/api_error.ts";
import { fulfilledWithin } from "./http/fulfilled_within.ts";
import { LiveEvents } from "./live/live_events.ts";
import { engineMetrics, processMetrics } from "./metrics/engine_metrics.ts";
import {
  type Metric,
  PROMETHEUS_TYPE,
  prometheusText,
} from "./metrics/prometheus.ts";
import { RequestStats } from "./metrics/request_stats.ts";
import { modelRoutes } from "./openai/model_routes.ts";
import { pageHandler } from "./page/page.ts";
import { type RequestLife, serverStops } from "./request_life.ts";
import { RequestQueue } from "./request_queue.ts";
import { type RequestListener, RequestLog } from "./request_record.ts";
import { findRoute, type Routes } from "./routes.ts";
import {
  type ServeOptions,
  type ServeSettings,
  serveSettings,
} from "./serve_options.ts";
import type { ServedEngine } from "./served_engine.ts";

/** What is left of requests this long after they were ended is cut off. */
const LINGER_MS = 1000;

/** A server that listens. */
export interface Server extends AsyncDisposable {
  /** Where, as in `http://127.0.0.1:8080`. */
  readonly url: string;
  /** The port. */
  readonly port: number;
  /** Resolves when it has stopped. */
  readonly finished: Promise<void>;
  /**
   * Stops it: takes no more requests, turns away those that wait without a response,
   * and gives the others `graceMs` to come to their end.
   */
  shutdown(): Promise<void>;
}

/**
 * Serves a model by HTTP: OpenAI's API, a page to chat on, metrics. Requests to the
 * model run one after the other. The engine stays the caller's, who must not use it
 * meanwhile.
 *
 * @param engine The model.
 * @param options Where, for whom, and within which limits.
 * @returns The server, which listens already.
 * @throws {RangeError} If an option is out of range.
 * @throws {Error} If the address cannot be listened at.
 *
 * @example
 * ```ts
 * import { load, serve } from "../../mod.ts";
 * import { assertEquals } from "@std/assert";
 *
 * using engine = await load("models/stories-17m-q", { contextLength: 256 });
 * await using server = await serve(engine, { port: 0 });
 * const response = await fetch(`${server.url}/v1/completions`, {
 *   method: "POST",
 *   body: JSON.stringify({ prompt: "Once upon a time", max_tokens: 4 }),
 * });
 * assertEquals((await response.json()).usage.completion_tokens, 4);
 * ```
 */
export async function serve(
  engine: ServedEngine,
  options: ServeOptions = {},
): Promise<Server> {
  const settings = serveSettings(options);
  const { host, port, maxQueue, graceMs, onRequest } = settings;
  const queue = new RequestQueue(maxQueue);
  const lives = new Set<RequestLife>();
  const stats = new RequestStats();
  const live = new LiveEvents({ engine, queue });
  const listeners: RequestListener[] = [stats, live];
  if (onRequest) listeners.push({ ended: onRequest });
  let isStopping = false;
  const routes: Routes = {
    "/": { GET: await pageHandler() },
    "/health": { GET: () => health(isStopping, engine) },
    "/metrics": { GET: () => metrics(engine, stats.metrics(queue)) },
    "/events": { GET: (request) => live.respond(request) },
    ...modelRoutes({ engine, queue, lives, settings }),
  };
  const cut = new AbortController();
  const address = { hostname: host, port };
  checkAddress(address);
  const http = Deno.serve({
    ...address,
    signal: cut.signal,
    onListen: () => {},
    onError: (error) => asApiError(error).response(),
  }, (request) => handle(request, { routes, settings, listeners }));

  async function stop(): Promise<void> {
    isStopping = true;
    queue.close(serverStops());
    live[Symbol.dispose]();
    const isOver = () => lives.size === 0;
    await until(isOver, graceMs);
    for (const life of lives) life.end(serverStops());
    await until(isOver, LINGER_MS);
    for (const life of lives) life[Symbol.dispose]();
    // Abort ends the process with an error once shutdown has begun (Deno 2.9): so
    // either this, or that, which waits for readers that take nothing.
    if (!isOver()) cut.abort();
    else await fulfilledWithin(http.shutdown(), LINGER_MS);
  }

  let stopped: Promise<void> | undefined;
  const finished = Promise.withResolvers<void>();
  http.finished.then(finished.resolve, finished.reject);
  const shutdown = () => stopped ??= stop().finally(finished.resolve);
  const { port: actualPort } = http.addr as Deno.NetAddr;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${actualPort}`,
    port: actualPort,
    finished: finished.promise,
    shutdown,
    [Symbol.asyncDispose]: shutdown,
  };
}

/** Answers one request, whatever happens. */
async function handle(
  request: Request,
  { routes, settings, listeners }: {
    routes: Routes;
    settings: ServeSettings;
    listeners: readonly RequestListener[];
  },
): Promise<Response> {
  const log = new RequestLog(request.method, listeners);
  let response: Response;
  try {
    response = await respond(request, { routes, access: settings, log });
    log.answered(response);
  } catch (error) {
    const apiError = asApiError(error);
    response = apiError.response();
    log.answered(response, apiError);
  }
  // What is said of an answer is all that it is: texts of others may be in it.
  response.headers.set("x-content-type-options", "nosniff");
  for (const [name, value] of Object.entries(corsHeaders(request, settings))) {
    response.headers.set(name, value);
  }
  if (request.method !== "HEAD") return response;
  await response.body?.cancel();
  return new Response(null, response);
}

async function respond(
  request: Request,
  { routes, access, log }: {
    routes: Routes;
    access: AccessOptions;
    log: RequestLog;
  },
): Promise<Response> {
  const url = URL.parse(request.url);
  if (url === null) {
    throw new ApiError(
      "Cannot answer: the Host header is no host, wanted a name or an address",
      { status: 400, code: "invalid_host" },
    );
  }
  if (url.pathname !== "/health") {
    checkOrigin(request, access);
    if (request.method === "OPTIONS") return preflight(request);
    checkKey(request, access);
  }
  const { path, handler } = findRoute(routes, request);
  log.path = path;
  return await handler(request, log.listener);
}

function health(isStopping: boolean, { loss }: ServedEngine): Response {
  if (isStopping) return Response.json({ status: "stopping" }, { status: 503 });
  if (loss === null) return Response.json({ status: "ok" });
  const body = { status: "device lost", error: loss.message };
  return Response.json(body, { status: 503 });
}

function metrics(
  engine: ServedEngine,
  ofRequests: readonly Metric[],
): Response {
  const text = prometheusText([
    ...ofRequests,
    ...engineMetrics(engine),
    ...processMetrics(),
  ]);
  return new Response(text, { headers: { "content-type": PROMETHEUS_TYPE } });
}

/** Waits until something is so, but not for ever. */
async function until(isSo: () => boolean, ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (!isSo() && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
