/**
 * The part of `@std/http` that Moeno uses, with types: the npm build of the
 * standard library has none.
 *
 * @module
 */
// @ts-types="./std_http_sse.d.ts"
export * from "deno-std/http/server_sent_event_stream.js";
