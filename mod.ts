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

export { Engine } from "./src/engine/engine.ts";
export type {
  FinishReason,
  GenerateResult,
  Piece,
  TopLogprob,
} from "./src/engine/generate.ts";
export { load } from "./src/engine/load.ts";
export type { LoadOptions, WeightBits } from "./src/engine/load_options.ts";
export type { GenerateOptions } from "./src/engine/options.ts";
export type { ModelConfig } from "./src/model/config.ts";
export type { Progress } from "./src/model/upload.ts";
export type {
  RoutingListener,
  RoutingRecord,
} from "./src/model/routing_reader.ts";
export type { PolicyName } from "./src/offload/eviction.ts";
export {
  type ByteCause,
  type LayerRecord,
  type OffloadPhase,
  type OffloadRecord,
  OffloadStats,
  type UseCounts,
} from "./src/offload/offload_stats.ts";
export type { Plan } from "./src/offload/placement.ts";
export type { StoreKind, StorePart } from "./src/offload/plan_stores.ts";
export type { PrefetchMode } from "./src/offload/prefetch_switch.ts";
export type { SlotsWish } from "./src/offload/slots_wish.ts";
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
