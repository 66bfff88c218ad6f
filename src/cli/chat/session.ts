import type { GenerateResult } from "../../engine/generate.ts";
import type { GenerateOptions } from "../../engine/options.ts";
import type { Interrupts } from "../interrupts.ts";
import type { Io } from "../io.ts";
import type { CliEngine } from "../open_engine.ts";
import type { Conversation } from "./conversation.ts";

/** Another model in place of the one that answers. */
export interface ModelSwitch {
  /** What the model was opened by. */
  readonly current: string;
  /**
   * Frees the model and opens another; if that fails, opens the old one again.
   *
   * @returns The model that answers now.
   * @throws {Error} Why the other one cannot be opened.
   */
  change(name: string): Promise<CliEngine>;
  /** The model that answers now. */
  readonly engine: CliEngine;
  /** Models that `change()` may be given, whose names begin so. */
  names(start: string): Promise<string[]>;
}

/** The state of a chat. */
export interface Session {
  /** Who answers. */
  engine: CliEngine;
  /** What was said. */
  conversation: Conversation;
  /** How to generate; by the engine's names. */
  generate: GenerateOptions;
  /** Whether statistics follow each answer. */
  showsStats: boolean;
  /** The records of the answers. */
  results: GenerateResult[];
  /** The file that holds the conversation, as it was saved or loaded last. */
  path: string | null;
  /** Opens other models; `null` where there is only one. */
  readonly models: ModelSwitch | null;
  /** Our folder; `null` if there is none. */
  readonly home: string | null;
  /** Where to write. */
  readonly io: Io;
  /** Tells of Ctrl-C. */
  readonly interrupts: Interrupts;
  /** Makes an error's message; the stack with `--debug`. */
  readonly describe: (error: unknown) => string;
  /** Whether to say what goes on until an answer begins. */
  readonly showsProgress: boolean;
}

/** What a command makes the chat do next. */
export type Outcome = "continue" | "exit" | "regenerate";

/** A command within a chat. What it says goes to stderr. */
export interface ChatCommand {
  /** As typed after `/`. */
  readonly name: string;
  /** What stands for its value in the help, if it takes one. */
  readonly value?: string;
  /** What it does, in a sentence without a period. */
  readonly help: string;
  /**
   * Does it.
   *
   * @throws {Error} What is shown in a sentence; the chat goes on.
   */
  readonly run: (value: string, session: Session) => Outcome | Promise<Outcome>;
  /** Finds values that begin so. */
  readonly complete?: (
    start: string,
    session: Session,
  ) => readonly string[] | Promise<readonly string[]>;
}
