import type { Engine } from "../engine/engine.ts";

/** What the server uses of an `Engine`. */
export type ServedEngine = Pick<
  Engine,
  | "name"
  | "adapter"
  | "contextLength"
  | "config"
  | "tokenizer"
  | "offloadStats"
  | "promptCache"
  | "experts"
  | "loss"
  | "revive"
  | "chat"
  | "chatIds"
  | "generate"
>;
