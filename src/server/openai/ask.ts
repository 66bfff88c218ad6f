import type { GenerateOptions } from "../../engine/options.ts";
import type { Message } from "../../text/chat_template.ts";
import type { ForcedCall } from "./forced_call.ts";

/** What the model is to go on from: a conversation, a text, or its ids. */
export type Prompt =
  | { readonly messages: readonly Message[] }
  | { readonly text: string }
  | { readonly ids: readonly number[] };

/** What a request asks for, checked. */
export interface Ask {
  /** What is to be continued, one after the other. */
  readonly prompts: readonly Prompt[];
  /** How many answers each of them gets. */
  readonly count: number;
  /** How to generate them. */
  readonly options: GenerateOptions;
  /** Whether answers come piece by piece. */
  readonly isStream: boolean;
  /** Whether a stream ends with the counts of tokens. */
  readonly includesUsage: boolean;
  /** The function that answers call: their texts are its arguments. */
  readonly call?: ForcedCall;
}
