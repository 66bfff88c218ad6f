/**
 * The argument parser of `@std/cli` with types: the npm build of the standard
 * library has none. All of `@std/cli` does not load from there: it lacks a data
 * file.
 *
 * @module
 */
// @ts-types="./std_cli.d.ts"
export * from "deno-std/cli/parse_args.js";
