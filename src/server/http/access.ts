/** Who may ask, from where, and with which key. */

import { createHash, timingSafeEqual } from "node:crypto";
import { isLoopback } from "../../io/loopback.ts";
import { ApiError } from "./api_error.ts";

/** Who may ask. */
export interface AccessOptions {
  /** The address that the server listens at. */
  readonly host: string;
  /** The key that requests need; none if anybody may ask. */
  readonly apiKey?: string | undefined;
  /** Origins of web pages that may ask, besides our own; `*` is all. */
  readonly cors: readonly string[];
}

/**
 * Checks that a request comes from where it may come. Any web page can make a
 * browser send requests to this machine, with the key that the browser remembers,
 * and by a name of its own that resolves to this machine.
 *
 * @param request The request.
 * @param options Who may ask.
 * @throws {ApiError} If it may not (403).
 */
export function checkOrigin(request: Request, options: AccessOptions): void {
  const { host, hostname } = new URL(request.url);
  const { apiKey, cors } = options;
  const isOpenLoopback = apiKey === undefined && isLoopback(options.host);
  if (isOpenLoopback && !isLoopback(hostname) && !cors.includes("*")) {
    throw forbidden(
      `the host ${hostname} is not this machine's name; start the server with --api-key to serve it under another`,
      "host_not_allowed",
    );
  }
  const origin = request.headers.get("origin");
  if (origin === null || isAllowed(origin, cors)) return;
  if (URL.parse(origin)?.host === host) return;
  throw forbidden(
    `pages of ${origin} are not allowed to ask; start the server with --cors ${origin}`,
    "origin_not_allowed",
  );
}

/**
 * Checks the key: as a bearer token, or as the password of HTTP Basic, which is how
 * browsers give one. Keys are compared in constant time.
 *
 * @param request The request.
 * @param options Who may ask.
 * @throws {ApiError} If a key is needed and this is another one or none (401).
 */
export function checkKey(
  request: Request,
  { apiKey }: AccessOptions,
): void {
  if (apiKey === undefined) return;
  const given = keyOf(request.headers.get("authorization") ?? "");
  if (given !== undefined && isSame(given, apiKey)) return;
  const isPage = new URL(request.url).pathname === "/";
  throw new ApiError(
    given === undefined
      ? "Cannot answer: there is no API key, wanted one as Authorization: Bearer <key>"
      : "Cannot answer: the API key is wrong",
    {
      status: 401,
      type: "authentication_error",
      code: "invalid_api_key",
      headers: {
        // Only who opens the page is asked for a password.
        "www-authenticate": isPage
          ? 'Basic realm="Moeno", charset="UTF-8"'
          : "Bearer",
      },
    },
  );
}

/**
 * Makes the headers that let pages of other origins read an answer.
 *
 * @param request The request.
 * @param options Who may ask.
 * @returns None if nobody needs them.
 */
export function corsHeaders(
  request: Request,
  { cors }: AccessOptions,
): Record<string, string> {
  const origin = request.headers.get("origin");
  if (origin === null || !isAllowed(origin, cors)) return {};
  return {
    "access-control-allow-origin": origin,
    "vary": "Origin",
  };
}

/**
 * Answers a browser that asks whether it may ask.
 *
 * @param request The request with method OPTIONS.
 * @returns What is allowed.
 */
export function preflight(request: Request): Response {
  const wanted = request.headers.get("access-control-request-headers");
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-methods": "GET, POST, OPTIONS",
      "access-control-allow-headers": wanted ?? "authorization, content-type",
      "access-control-max-age": "600",
    },
  });
}

function isAllowed(origin: string, cors: readonly string[]): boolean {
  return cors.includes("*") || cors.includes(origin);
}

function keyOf(authorization: string): string | undefined {
  const [, scheme, value] = /^(\S+) +(.+)$/.exec(authorization) ?? [];
  if (value === undefined) return undefined;
  switch (scheme!.toLowerCase()) {
    case "bearer":
      return value;
    case "basic":
      return passwordOf(value);
    default:
      return undefined;
  }
}

function passwordOf(base64: string): string | undefined {
  try {
    const pair = new TextDecoder().decode(Uint8Array.fromBase64(base64));
    const colon = pair.indexOf(":");
    return colon < 0 ? undefined : pair.slice(colon + 1);
  } catch {
    return undefined; // no base64
  }
}

/** Hashes have one length, which is all that the time could tell. */
function isSame(a: string, b: string): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}

function forbidden(state: string, code: string): ApiError {
  return new ApiError(`Cannot answer: ${state}`, {
    status: 403,
    type: "permission_error",
    code,
  });
}
