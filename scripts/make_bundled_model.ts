// deno-lint-ignore-file no-console
/**
 * Makes `models/stories-17m-q`, the model that `chat` opens by default, from
 * `models/stories-17m`: 4 bits for attention and experts, by our own quantizer.
 *
 * deno run -A scripts/make_bundled_model.ts
 *
 * @module
 */
import { fromFileUrl } from "@std/path";
import { quantizeModel } from "../mod.ts";

const models = fromFileUrl(new URL("../models", import.meta.url));
const { directory, byteLength } = await quantizeModel(
  `${models}/stories-17m`,
  `${models}/stories-17m-q`,
  { attnBits: 4, expertBits: 4, force: true },
);
console.log(`${directory}: ${byteLength} bytes of tensors`);
