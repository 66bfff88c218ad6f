/**
 * Moeno: runs Mixture-of-Experts language models on any GPU that WebGPU reaches.
 *
 * @example
 * ```ts
 * import { load } from "./mod.ts";
 * import { assertEquals } from "@std/assert";
 *
 * using engine = await load("models/stories-17m", { contextLength: 256 });
 * const messages = [{ role: "user", content: "Tell me a story about a dog." }];
 * for await (const { text, final } of engine.chat(messages, { maxTokens: 9, temperature: 0 })) {
 *   if (final) assertEquals(final.text, "Once upon a time, there was a big dog");
 *   else await Deno.stdout.write(new TextEncoder().encode(text));
 * }
 * ```
 *
 * @module
 */

export { Engine, load } from "./src/engine/engine.ts";
export type {
  FinishReason,
  GenerateResult,
  Piece,
  TopLogprob,
} from "./src/engine/generate.ts";
export type { LoadOptions, WeightBits } from "./src/engine/load_options.ts";
export type { GenerateOptions } from "./src/engine/options.ts";
export type { ModelConfig } from "./src/model/config.ts";
export type { Progress } from "./src/model/upload.ts";
export type { Message } from "./src/text/chat_template.ts";
export {
  type DecodeOptions,
  type EncodeOptions,
  Tokenizer,
} from "./src/text/tokenizer.ts";

if (import.meta.main) {
  // The library does not pay for the program.
  const { main } = await import("./src/cli/main.ts");
  Deno.exit(await main(Deno.args));
}
