import { join } from "@std/path";
import { homeFolder } from "../../io/home.ts";
import { readJson } from "../../io/json_file.ts";
import type { Flag, ParsedArgs } from "../args.ts";
import type { Command, Surroundings } from "../command.ts";
import { COMMON_FLAGS, generateOptions, SYSTEM_FLAG } from "../flags.ts";
import { describeError } from "../describe_error.ts";
import { chosenModel } from "../models/chosen_model.ts";
import { defaultModel } from "../open_engine.ts";
import { note } from "../note.ts";
import { openModel } from "../open_model.ts";
import { profileTable } from "../profile_table.ts";
import { SAMPLING_FLAGS } from "../sampling_flags.ts";
import { TEXT_LOAD_FLAGS } from "../shared_flags.ts";
import { refuseArguments } from "../usage_error.ts";
import { OneModel } from "./model_switch.ts";
import { PromptHistory } from "./prompt_history.ts";
import { repl } from "./repl.ts";
import { processTerminal } from "./terminal.ts";

const NO_HISTORY_FLAG: Flag = {
  name: "no-history",
  option: "noHistory",
  help: "Neither read nor keep what was typed in other chats",
};

/** `chat`: a conversation. */
export const CHAT: Command = {
  name: "chat",
  summary: "Chats with a model",
  usage: "[flags]",
  details:
    "Each line is a message; /help lists what else can be typed. Stdin " +
    "may be a pipe.\nAnswers go to stdout, everything else to stderr.",
  flags: [
    SYSTEM_FLAG,
    NO_HISTORY_FLAG,
    ...SAMPLING_FLAGS,
    ...TEXT_LOAD_FLAGS,
    ...COMMON_FLAGS,
  ],
  run,
};

async function run(
  { values, positional }: ParsedArgs,
  surroundings: Surroundings,
): Promise<number> {
  const advice = "generate --chat answers one message";
  refuseArguments("chat", positional, advice);
  const { io, interrupts } = surroundings;
  const home = homeFolder();
  const open = (model: string) =>
    openModel({ ...values, model }, surroundings, {
      background: io.terminal.input, // whoever types gives it time
    });
  const find = async (model: string) =>
    await readJson(join(await chosenModel(model), "config.json"));
  const name = values.model as string | undefined ?? defaultModel();
  await using models = await OneModel.open(name, { open, find, home });
  if (io.terminal.input && !values.quiet) {
    const { name, adapter } = models.engine;
    note(io, `${name} on ${adapter}; /help for help, Ctrl-D to leave`);
  }
  const code = await repl({
    engine: models.engine,
    models,
    io,
    interrupts,
    home,
    generate: generateOptions(values),
    system: values.system as string | undefined,
    showsStats: !values.quiet && (io.terminal.input || values.verbose === true),
    describe: (error) => describeError(error, values.debug === true),
    editor: io.terminal.input && io.terminal.err
      ? {
        terminal: processTerminal(),
        history: await PromptHistory.open(values.noHistory ? null : home),
      }
      : undefined,
  });
  const { profile } = models.engine;
  if (profile) io.err(profileTable(profile));
  return code;
}
