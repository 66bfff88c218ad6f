import { closest } from "../io/closest.ts";
import { IS_BUILT } from "../program/program_root.ts";
import { BENCH } from "./bench/bench.ts";
import { TUNE } from "./bench/tune.ts";
import { CHAT } from "./chat/chat.ts";
import type { Command } from "./command.ts";
import { completionCommand } from "./completion/completion.ts";
import { COMMON_FLAGS } from "./flags.ts";
import { GENERATE } from "./generate.ts";
import { commandHelp, programHelp } from "./help.ts";
import { LIST } from "./models/list.ts";
import { PULL } from "./models/pull.ts";
import { RM } from "./models/rm.ts";
import { SERVE } from "./serve/serve.ts";
import { SHOW } from "./models/show.ts";
import { permissionHelp } from "./permission_help.ts";
import { PERMISSIONS } from "./permissions.ts";
import { PERPLEXITY } from "./quality/perplexity.ts";
import { QUALITY } from "./quality/quality.ts";
import { DOCTOR } from "./machine/doctor.ts";
import { PLAN } from "./machine/plan.ts";
import { QUANTIZE } from "./quantize.ts";
import { configCommand } from "./settings/config.ts";
import { TRACE } from "./trace/trace.ts";
import { UsageError } from "./usage_error.ts";
import { VERSION } from "./version.ts";
import { VERIFY } from "./verify/verify.ts";

const HELP_FLAGS = COMMON_FLAGS.filter(({ name }) => name === "help");

const HELP: Command = {
  name: "help",
  summary: "Shows the help of the program or of a command",
  usage: "[command]",
  flags: HELP_FLAGS,
  completes: "command",
  run({ positional }, { io }) {
    const [name] = positional;
    if (positional.length > 1) {
      throw new UsageError(
        `help has ${positional.length} commands, wanted one at most`,
      );
    }
    if (name === undefined) io.out(programHelp(COMMANDS));
    else {
      const command = findCommand(name);
      io.out(commandHelp(command));
      // A built program has all permissions, and no mod.ts to run with fewer.
      if (IS_BUILT) return Promise.resolve(0);
      io.out(permissionHelp(command.name, PERMISSIONS[command.name]!));
    }
    return Promise.resolve(0);
  },
};

/** All commands, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  CHAT,
  GENERATE,
  SERVE,
  PULL,
  LIST,
  SHOW,
  RM,
  QUANTIZE,
  PLAN,
  DOCTOR,
  VERIFY,
  PERPLEXITY,
  QUALITY,
  TRACE,
  BENCH,
  TUNE,
  configCommand(() => COMMANDS),
  completionCommand(() => COMMANDS),
  HELP,
  VERSION,
];

/**
 * Finds a command by its name.
 *
 * @param name As typed.
 * @returns The command.
 * @throws {UsageError} If there is none.
 */
export function findCommand(name: string): Command {
  const command = COMMANDS.find((command) => command.name === name);
  if (command !== undefined) return command;
  const guess = closest(name, COMMANDS.map(({ name }) => name));
  throw new UsageError(
    `Unknown command ${name}; ` +
      (guess === undefined
        ? "moeno help lists them"
        : `did you mean ${guess}?`),
  );
}
