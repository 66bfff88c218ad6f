import { dim } from "@std/fmt/colors";
import type { GenerateResult } from "../../engine/generate.ts";
import type { GenerateOptions } from "../../engine/options.ts";
import { statsLine } from "../../engine/stats.ts";
import { Conversation } from "./conversation.ts";
import { INTERRUPTED, type Interrupts } from "../interrupts.ts";
import type { Io } from "../io.ts";
import { readLines, readTexts } from "./line_reader.ts";
import type { ChatEngine } from "../open_engine.ts";
import { type ReplState, runCommand } from "./repl_commands.ts";

/** Options for {@linkcode repl}. */
export interface ReplOptions {
  /** Who answers. */
  engine: ChatEngine;
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
}

/**
 * Chats: reads messages, streams answers to stdout, keeps the conversation.
 * Prompts and notes go to stderr, prompts only if stdin is a terminal.
 *
 * @param options Who answers, where to read and write.
 * @returns The exit code.
 */
export async function repl(options: ReplOptions): Promise<number> {
  const { io } = options;
  const state: ReplState = {
    conversation: new Conversation(options.system),
    generate: options.generate,
    showsStats: options.showsStats,
    results: [],
  };
  let hasFailed = false;
  const prompt = (text: string) => {
    if (io.terminal.input) io.err(text);
  };
  const texts = readTexts(readLines(io.input), () => prompt("... "));
  while (true) {
    prompt("> ");
    const typed = await nextUnlessInterrupted(texts, options.interrupts);
    if (typed === undefined) {
      prompt("\n"); // the shell's own prompt is to begin a line
      return INTERRUPTED;
    }
    if (typed.done) {
      prompt("\n");
      // A person has seen the error; a script sees the exit code.
      return hasFailed && !io.terminal.input ? 1 : 0;
    }
    const { text, isFenced } = typed.value;
    if (text.trim() === "") continue;
    if (isFenced || !text.startsWith("/")) {
      const turn = { question: text, isAgain: false };
      hasFailed = !await answer(turn, state, options) || hasFailed;
      continue;
    }
    const outcome = runCommand(text, state, io);
    if (outcome === "exit") return 0;
    const question = state.conversation.lastQuestion;
    if (outcome === "regenerate" && question !== undefined) {
      const turn = { question, isAgain: true };
      hasFailed = !await answer(turn, state, options) || hasFailed;
    }
  }
}

/** The next text; nothing if Ctrl-C came first. */
async function nextUnlessInterrupted<T>(
  texts: AsyncIterator<T, void>,
  interrupts: Interrupts,
): Promise<IteratorResult<T, void> | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  using _listening = interrupts.listen(() => resolve(undefined));
  return await Promise.race([texts.next(), promise]);
}

/** A message to answer. */
interface Turn {
  question: string;
  /** Whether it takes the place of the last turn. */
  isAgain: boolean;
}

/** Streams an answer. If that fails, says why and forgets the message. */
async function answer(
  turn: Turn,
  state: ReplState,
  { engine, io, interrupts, describe }: ReplOptions,
): Promise<boolean> {
  const controller = new AbortController();
  using _listening = interrupts.listen(() => controller.abort());
  const generate = { ...state.generate, signal: controller.signal };
  if (turn.isAgain) delete generate.seed; // the same seed, the same answer
  const { conversation } = state;
  let isMidLine = false;
  try {
    const messages = conversation.ask(turn.question, turn);
    for await (const { text, final } of engine.chat(messages, generate)) {
      if (text !== "") io.out(text);
      isMidLine = !text.endsWith("\n") && (isMidLine || text !== "");
      if (final === undefined) continue;
      if (isMidLine || final.text === "") io.out("\n");
      isMidLine = false;
      finish(turn, final, { state, io });
    }
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw error;
    if (isMidLine) io.out("\n");
    io.err(`error: ${describe(error)}\n`);
    if (conversation.system !== undefined && conversation.turnCount === 0) {
      io.err(dim("/system off takes the system message away.") + "\n");
    }
    return false;
  }
}

/** Remembers the answer and says what there is to say of it. */
function finish(
  turn: Turn,
  result: GenerateResult,
  { state, io }: { state: ReplState; io: Io },
): void {
  state.results.push(result);
  const { finishReason, contextFull, text } = result;
  if (finishReason === "cancelled" && text === "") {
    io.err(dim("Stopped before the answer began.") + "\n");
    return;
  }
  state.conversation.add(turn.question, text, turn);
  if (contextFull) {
    io.err(
      "The context is full: the answer stops here. /clear begins a new " +
        "conversation.\n",
    );
  } else if (finishReason === "length") {
    io.err(dim("The answer stops here: max-tokens is reached.") + "\n");
  }
  if (state.showsStats) io.err(dim(statsLine(result)) + "\n");
}
