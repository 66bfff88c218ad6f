import type { GenerateOptions } from "../../engine/options.ts";
import { INTERRUPTED, type Interrupts } from "../interrupts.ts";
import type { Io } from "../io.ts";
import type { CliEngine } from "../open_engine.ts";
import { answer, type Turn } from "./answer.ts";
import { completeCommand, runCommand } from "./chat_commands.ts";
import { Conversation } from "./conversation.ts";
import { lineSource } from "./message_source.ts";
import type { PromptHistory } from "./prompt_history.ts";
import type { ModelSwitch, Session } from "./session.ts";
import type { Terminal } from "./terminal.ts";
import { terminalSource } from "./terminal_source.ts";

/** Options for {@linkcode repl}. */
export interface ReplOptions {
  /** Who answers. */
  engine: CliEngine;
  /** Where to read and write. */
  io: Io;
  /** Tells of Ctrl-C. */
  interrupts: Interrupts;
  /** How to generate, to begin with. */
  generate: GenerateOptions;
  /** What the model is told before, if anything. */
  system?: string | undefined;
  /** Whether statistics follow each answer. */
  showsStats: boolean;
  /** Makes an error's message; the stack with `--debug`. */
  describe: (error: unknown) => string;
  /** Opens other models. */
  models?: ModelSwitch | undefined;
  /** Our folder, for conversations by name. */
  home?: string | null | undefined;
  /** What to edit lines with; without it, they come as they are. */
  editor?: { terminal: Terminal; history: PromptHistory } | undefined;
}

/**
 * Chats: reads messages, streams answers to stdout, keeps the conversation.
 * Prompts and notes go to stderr, prompts only if stdin is a terminal.
 *
 * @param options Who answers, where to read and write.
 * @returns The exit code.
 */
export async function repl(options: ReplOptions): Promise<number> {
  const { io, interrupts, editor } = options;
  const session: Session = {
    engine: options.engine,
    conversation: new Conversation(options.system),
    generate: options.generate,
    showsStats: options.showsStats,
    results: [],
    path: null,
    models: options.models ?? null,
    home: options.home ?? null,
    io,
    interrupts,
    describe: options.describe,
    showsProgress: editor !== undefined,
  };
  let hasFailed = false;
  const answerTo = async (turn: Turn) => {
    if (!await answer(turn, session)) hasFailed = true;
  };
  using source = editor === undefined
    ? lineSource(io, interrupts)
    : terminalSource({
      io,
      interrupts,
      ...editor,
      complete: (text) => completeCommand(text, session),
    });
  while (true) {
    const incoming = await source.next();
    if (incoming === "interrupted") return INTERRUPTED;
    if (incoming === "end") {
      // A person has seen the error; a script sees the exit code.
      return hasFailed && !io.terminal.input ? 1 : 0;
    }
    const { text, isFenced } = incoming;
    if (text.trim() === "") continue;
    if (isFenced || !text.startsWith("/")) {
      await answerTo({ question: text, isAgain: false });
      continue;
    }
    const outcome = await runCommand(text, session);
    if (outcome === "exit") return 0;
    const question = session.conversation.lastQuestion;
    if (outcome === "regenerate" && question !== undefined) {
      await answerTo({ question, isAgain: true });
    }
  }
}
