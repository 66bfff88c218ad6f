import { constraintOf } from "../../engine/constraint.ts";
import { ApiError } from "../http/api_error.ts";
import type { ServedEngine } from "../served_engine.ts";
import type { Ask } from "./ask.ts";

/**
 * Checks what only the model can tell about a request's options, so that who asks
 * hears of it at once, with a status of its own, and not when it is their turn.
 *
 * @param engine The model.
 * @param ask The request.
 * @throws {ApiError} If biases are for ids that the vocabulary lacks, or texts cannot
 * be held to the format.
 */
export function checkOptions(
  { tokenizer, config: { vocabSize } }: ServedEngine,
  { options: { logitBias = {}, responseFormat }, call }: Ask,
): void {
  const unknown = Object.keys(logitBias).find((id) => Number(id) >= vocabSize);
  if (unknown !== undefined) {
    throw refused(
      `Cannot bias logits: the vocabulary has no id ${unknown}, wanted 0 to ${
        vocabSize - 1
      }`,
      "logit_bias",
    );
  }
  if (responseFormat === undefined) return;
  try {
    constraintOf(responseFormat, tokenizer); // kept for when it is their turn
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw refused(error.message, call ? "tools" : "response_format");
  }
}

function refused(message: string, param: string): ApiError {
  return new ApiError(message, { status: 400, param, code: "invalid_value" });
}
