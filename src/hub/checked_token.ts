/**
 * Whether a token may be shown to a hub.
 *
 * @module
 */

import { isLoopback } from "../io/loopback.ts";

/**
 * Checks a token before it is sent. No message holds it.
 *
 * @param token The token; `null` for none.
 * @param endpoint The address of the hub.
 * @returns The token.
 * @throws {Error} If others could read it on its way, or it is none.
 */
export function checkedToken(
  token: string | null,
  endpoint: string,
): string | null {
  if (token === null) return null;
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new Error(
      "Cannot send the token: it has spaces, line breaks or other characters that tokens have not, wanted HF_TOKEN to be the token alone",
    );
  }
  const { protocol, hostname, host } = new URL(endpoint);
  if (protocol === "https:" || isLoopback(hostname)) return token;
  throw new Error(
    `Cannot send the token: anybody on the way to ${host} could read it, wanted https, or no HF_TOKEN`,
  );
}
