import { dim } from "@std/fmt/colors";
import type { GenerateResult } from "../../engine/generate.ts";
import { statsLine } from "../../engine/stats.ts";
import { outText } from "../out_text.ts";
import type { Interrupts } from "../interrupts.ts";
import type { Session } from "./session.ts";
import { spinner } from "./spinner.ts";

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
 * @param options Tells of Ctrl-C; makes an error's message; whether to say what
 * goes on until the answer begins.
 * @returns Whether there is an answer.
 */
export async function answer(
  turn: Turn,
  session: Session,
  { interrupts, describe, showsProgress }: {
    interrupts: Interrupts;
    describe: (error: unknown) => string;
    showsProgress: boolean;
  },
): Promise<boolean> {
  const { conversation, engine, io } = session;
  const controller = new AbortController();
  using _listening = interrupts.listen(() => controller.abort());
  using waiting = spinner(io, showsProgress);
  const generate = {
    ...session.generate,
    signal: controller.signal,
    ...showsProgress && { onPrefill: waiting.show },
  };
  if (turn.isAgain) delete generate.seed; // the same seed, the same answer
  let isMidLine = false;
  try {
    const messages = conversation.ask(turn.question, turn);
    for await (const { text, final } of engine.chat(messages, generate)) {
      if (text !== "" || final !== undefined) waiting[Symbol.dispose]();
      if (text !== "") outText(io, text);
      isMidLine = !text.endsWith("\n") && (isMidLine || text !== "");
      if (final === undefined) continue;
      if (isMidLine || final.text === "") io.out("\n");
      isMidLine = false;
      finish(turn, final, session);
    }
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw error;
    waiting[Symbol.dispose]();
    if (isMidLine) io.out("\n");
    io.err(`error: ${describe(error)}\n`);
    if (conversation.system !== undefined && conversation.turnCount === 0) {
      io.err(dim("/system off takes the system message away.") + "\n");
    }
    return false;
  }
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
  if (session.showsStats) io.err(dim(statsLine(result)) + "\n");
}
