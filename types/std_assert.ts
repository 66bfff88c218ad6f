/**
 * `@std/assert` with types: the npm build of the standard library has none.
 *
 * @module
 */
// @ts-types="./std_assert.d.ts"
export * from "deno-std/assert/mod.js";
