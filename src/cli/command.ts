import type { Flag, ParsedArgs } from "./args.ts";
import type { Interrupts } from "./interrupts.ts";
import type { Io } from "./io.ts";
import type { OpenEngine } from "./open_engine.ts";

/** What a command is given to work with. */
export interface Surroundings {
  /** Where it writes and reads. */
  io: Io;
  /** Tells of Ctrl-C. */
  interrupts: Interrupts;
  /** Opens a model. */
  open: OpenEngine;
}

/** A subcommand. */
export interface Command {
  /** As typed. */
  name: string;
  /** What it does, in a sentence without a period. */
  summary: string;
  /** What follows the name in its help. */
  usage: string;
  /** More help. */
  details?: string;
  /** Its flags. */
  flags: readonly Flag[];
  /** Does it; returns the exit code. */
  run(args: ParsedArgs, surroundings: Surroundings): Promise<number>;
}
