import { dim } from "@std/fmt/colors";
import { ContextLengthError } from "../../engine/context_length_error.ts";
import type { GenerateResult } from "../../engine/generate.ts";
import { statsLine } from "../../engine/stats.ts";
import { note } from "../note.ts";
import { spinner } from "../spinner.ts";
import { streamText } from "../stream_text.ts";
import type { Conversation } from "./conversation.ts";
import type { Session } from "./session.ts";

/** What a second Ctrl-C is told. */
const STILL_STOPPING =
  "The answer ends with its next token; Ctrl-C once more ends the chat";

/** A message to answer. */
export interface Turn {
  /** The message. */
  readonly question: string;
  /** Whether it takes the place of the last turn. */
  readonly isAgain: boolean;
}

/**
 * Streams an answer to stdout. If that fails, says why and forgets the message.
 *
 * @param turn The message.
 * @param session The chat.
 * @returns Whether there is an answer.
 */
export async function answer(turn: Turn, session: Session): Promise<boolean> {
  const { conversation, engine, io } = session;
  const controller = new AbortController();
  const { signal } = controller;
  using _listening = session.interrupts.listen(() => {
    if (!signal.aborted) return controller.abort();
    io.err("\n");
    note(io, STILL_STOPPING);
  }, { patience: 2 }); // who presses it twice is not to lose the conversation
  using waiting = spinner(io, session.showsProgress);
  const generate = { ...session.generate, signal, onPrefill: waiting.show };
  if (turn.isAgain) delete generate.seed; // the same seed, the same answer
  try {
    const pieces = engine.chat(conversation.ask(turn.question, turn), generate);
    finish(turn, await streamText(pieces, io, waiting), session);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw error;
    io.err(`error: ${session.describe(error)}\n`);
    const hint = hintAfter(error, conversation);
    if (hint !== undefined) io.err(dim(hint) + "\n");
    return false;
  }
}

/** What may help, if anything. */
function hintAfter(
  error: unknown,
  { system, turnCount }: Conversation,
): string | undefined {
  if (turnCount > 0) {
    return error instanceof ContextLengthError
      ? "/undo takes the last turn away, /clear all."
      : undefined;
  }
  if (system === undefined) return undefined;
  return "/system off takes the system message away.";
}

/** Remembers the answer and says what there is to say of it. */
function finish(turn: Turn, result: GenerateResult, session: Session): void {
  const { io } = session;
  session.results.push(result);
  const { finishReason, contextFull, text } = result;
  if (finishReason === "cancelled" && text === "") {
    io.err(dim("Stopped before the answer began.") + "\n");
    return;
  }
  session.conversation.add(turn.question, text, turn);
  if (contextFull) {
    io.err(
      "The context is full: the answer stops here. /clear begins a new " +
        "conversation.\n",
    );
  } else if (finishReason === "length") {
    io.err(dim("The answer stops here: max-tokens is reached.") + "\n");
  }
  if (session.showsStats) note(io, statsLine(result));
}
