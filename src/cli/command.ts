import type { Flag, Named, ParsedArgs } from "./args.ts";
import type { Interrupts } from "./interrupts.ts";
import type { Io } from "./io.ts";
import type { OpenEngine } from "./open_engine.ts";
import type { SettingsEnvironment } from "./settings/environment.ts";

/** What a command is given to work with. */
export interface Surroundings {
  /** Where it writes and reads. */
  io: Io;
  /** Tells of Ctrl-C. */
  interrupts: Interrupts;
  /** Opens a model. */
  open: OpenEngine;
  /** What says which settings there are. */
  environment: SettingsEnvironment;
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
  /** What its arguments name, for completion. */
  completes?: Named;
  /** Words that its arguments may be, for completion. */
  words?: readonly string[];
  /** Does it; returns the exit code. */
  run(args: ParsedArgs, surroundings: Surroundings): Promise<number>;
}
