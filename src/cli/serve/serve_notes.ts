import { isLoopback } from "../../io/loopback.ts";
import type { ServeSettings } from "../../server/serve_options.ts";

/** Addresses that stand for all of a machine's own: nobody can ask for them. */
const ALL_ADDRESSES: Readonly<Record<string, string>> = {
  "0.0.0.0": "127.0.0.1",
  "::": "[::1]",
};

/**
 * Says what somebody who has just started a server wants to know.
 *
 * @param port Where it listens.
 * @param settings How it serves.
 * @returns A few lines.
 */
export function serveNotes(
  port: number,
  { host, apiKey }: Pick<ServeSettings, "host" | "apiKey">,
): string[] {
  const name = ALL_ADDRESSES[host] ??
    (host.includes(":") ? `[${host}]` : host);
  const url = `http://${name}:${port}`;
  const key = apiKey === undefined ? "any key" : "your key";
  const lines = [
    `# a page to chat on: ${url}/; for programs: ${url}/v1 with ${key}; Ctrl-C stops`,
  ];
  if (apiKey === undefined && !isLoopback(host)) {
    lines.push(
      `# whoever reaches ${host} may use it; --api-key or MOENO_API_KEY sets a key`,
    );
  }
  return lines;
}
