/**
 * `@std/path` with types: the npm build of the standard library has none.
 *
 * @module
 */
// @ts-types="./std_path.d.ts"
export * from "deno-std/path/mod.js";
