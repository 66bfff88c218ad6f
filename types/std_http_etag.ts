/**
 * Entity tags of `@std/http` with types: the npm build of the standard library
 * has none.
 *
 * @module
 */
// @ts-types="./std_http_etag.d.ts"
export * from "deno-std/http/etag.js";
