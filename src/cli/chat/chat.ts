import { dim } from "@std/fmt/colors";
import type { ParsedArgs } from "../args.ts";
import type { Command, Surroundings } from "../command.ts";
import {
  COMMON_FLAGS,
  generateOptions,
  refuseSynthetic,
  SAMPLING_FLAGS,
  SYSTEM_FLAG,
} from "../flags.ts";
import { describeError } from "../describe_error.ts";
import { openModel } from "../open_model.ts";
import { profileTable } from "../profile_table.ts";
import { repl } from "./repl.ts";
import { TEXT_LOAD_FLAGS } from "../text_flags.ts";
import { UsageError } from "../usage_error.ts";

/** `chat`: a conversation. */
export const CHAT: Command = {
  name: "chat",
  summary: "Chats with a model",
  usage: "[flags]",
  details:
    "Each line is a message; /help lists what else can be typed. Stdin " +
    "may be a pipe.\nAnswers go to stdout, everything else to stderr.",
  flags: [SYSTEM_FLAG, ...SAMPLING_FLAGS, ...TEXT_LOAD_FLAGS, ...COMMON_FLAGS],
  run,
};

async function run(
  { values, positional }: ParsedArgs,
  surroundings: Surroundings,
): Promise<number> {
  if (positional.length > 0) {
    throw new UsageError(
      `chat takes no argument, received ${JSON.stringify(positional[0])}; ` +
        "generate --chat answers one message",
    );
  }
  refuseSynthetic(values);
  const { io, interrupts } = surroundings;
  await using model = await openModel(values, surroundings, {
    background: io.terminal.input, // whoever types gives it time
  });
  const { engine } = model;
  if (io.terminal.input && !values.quiet) {
    io.err(
      dim(
        `${engine.name} on ${engine.adapter}; /help for help, Ctrl-D to ` +
          "leave",
      ) + "\n",
    );
  }
  const code = await repl({
    engine,
    io,
    interrupts,
    generate: generateOptions(values),
    system: values.system as string | undefined,
    showsStats: !values.quiet && (io.terminal.input || values.verbose === true),
    describe: (error) => describeError(error, values.debug === true),
  });
  if (engine.profile) io.err(profileTable(engine.profile));
  return code;
}
