/**
 * `@std/fmt/colors` with types: the npm build of the standard library has
 * none.
 *
 * @module
 */
// @ts-types="./std_fmt_colors.d.ts"
export * from "deno-std/fmt/colors.js";
