import type { ServeOptions } from "../../server/serve_options.ts";
import type { Flag, ParsedArgs } from "../args.ts";

/** Where, for whom, and within which limits a model is served. */
export const SERVE_FLAGS: readonly Flag[] = [
  {
    name: "host",
    option: "host",
    value: "<address>",
    help: "The address to listen at; 0.0.0.0 lets other machines in",
    default: "127.0.0.1",
  },
  {
    name: "port",
    option: "port",
    letter: "p",
    value: "<n>",
    range: { integer: true, min: 0, max: 65535 },
    help: "The port; 0 takes a free one",
    default: "8080",
  },
  {
    name: "api-key",
    option: "apiKey",
    value: "<key>",
    help: "What requests need; MOENO_API_KEY keeps it out of process lists",
    default: "none: anybody who reaches the address may ask",
    isSecret: true,
  },
  {
    name: "cors",
    option: "cors",
    value: "<origin>",
    help: "A web origin whose pages may ask; * is all; may be repeated",
    isList: true,
  },
  {
    name: "max-queue",
    option: "maxQueue",
    value: "<n>",
    range: { integer: true, min: 0, max: 100_000 },
    help: "The most requests that wait; more get status 429",
    default: "64",
  },
  {
    name: "timeout",
    option: "timeout",
    value: "<seconds>",
    range: { above: 0, max: 2_000_000 },
    help: "How long a request may take, waiting included",
    default: "600",
  },
  {
    name: "grace",
    option: "grace",
    value: "<seconds>",
    range: { min: 0, max: 2_000_000 },
    help: "How long answers may go on after SIGTERM or Ctrl-C",
    default: "10",
  },
];

/**
 * Makes options of the flags.
 *
 * @param values The values of the flags.
 * @returns For `serve()`.
 */
export function serveOptions(values: ParsedArgs["values"]): ServeOptions {
  return {
    host: values.host as string | undefined,
    port: values.port as number | undefined,
    apiKey: values.apiKey as string | undefined,
    cors: values.cors as string[] | undefined,
    maxQueue: values.maxQueue as number | undefined,
    timeoutMs: milliseconds(values.timeout),
    graceMs: milliseconds(values.grace),
  };
}

function milliseconds(seconds: unknown): number | undefined {
  return seconds === undefined ? undefined : Math.ceil(Number(seconds) * 1000);
}
