/**
 * `@std/cli` with types: the npm build of the standard library has none.
 *
 * @module
 */
// @ts-types="./std_cli.d.ts"
export * from "deno-std/cli/mod.js";
