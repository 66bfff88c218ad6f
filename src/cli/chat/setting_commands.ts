/** Commands that say how answers are made. */

import type { GenerateOptions } from "../../engine/options.ts";
import { closest } from "../../io/closest.ts";
import { harmlessText } from "../../io/harmless.ts";
import { type Flag, parseValue } from "../args.ts";
import { SAMPLING_FLAGS } from "../sampling_flags.ts";
import { UsageError } from "../usage_error.ts";
import type { ChatCommand, Outcome, Session } from "./session.ts";

/** `/system`: what the model is told before. */
export const SYSTEM: ChatCommand = {
  name: "system",
  value: "[text | off]",
  help: "Show or set what the model is told before",
  run(value, { conversation, io }) {
    if (value !== "") conversation.system = value === "off" ? undefined : value;
    io.err(
      conversation.system === undefined
        ? "There is no system message.\n"
        : `System message: ${harmlessText(conversation.system)}\n`,
    );
    return "continue";
  },
  complete: (start) => ["off"].filter((word) => word.startsWith(start)),
};

/** `/set`: the options of sampling. */
export const SET: ChatCommand = {
  name: "set",
  value: "[name [value | default]]",
  help: "Show or set how answers are made",
  run: set,
  complete(start) {
    const [, name, value] = /^(\S+)\s+(\S*)$/.exec(start) ?? [];
    const flag = SAMPLING_FLAGS.find((flag) => flag.name === name);
    const candidates = flag === undefined
      ? SAMPLING_FLAGS.map(({ name }) => name)
      : [...isSwitch(flag) ? ["on", "off"] : [], "default"]
        .map((word) =>
          `${start.slice(0, start.length - value!.length)}${word}`
        );
    return candidates.filter((text) => text.startsWith(start));
  },
};

function set(value: string, session: Session): Outcome {
  const { io } = session;
  const [, typed = "", text = ""] = /^(\S*)\s*(.*)$/s.exec(value) ?? [];
  if (typed === "") {
    for (const flag of SAMPLING_FLAGS) {
      io.err(`  ${showSetting(flag, session)}\n`);
    }
    return "continue";
  }
  const name = typed.replace(/^--/, "").replaceAll("_", "-");
  const flag = SAMPLING_FLAGS.find((flag) => flag.name === name);
  if (flag === undefined) {
    const guess = closest(name, SAMPLING_FLAGS.map(({ name }) => name));
    throw new UsageError(
      `Unknown setting ${typed}; ` +
        (guess === undefined ? "/set lists them" : `did you mean ${guess}?`),
    );
  }
  if (text !== "" || isSwitch(flag)) {
    session.generate = changed(session.generate, flag, text);
  }
  io.err(`${showSetting(flag, session)}\n`);
  return "continue";
}

function changed(
  options: GenerateOptions,
  flag: Flag,
  text: string,
): GenerateOptions {
  const option = flag.option as keyof GenerateOptions;
  const { [option]: _old, ...others } = options;
  return text === "default" || (isSwitch(flag) && text === "off")
    ? others
    : { ...others, [option]: settingValue(flag, text) };
}

function settingValue(flag: Flag, text: string): unknown {
  if (isSwitch(flag)) {
    if (text === "on" || text === "") return true;
    throw new UsageError(`${flag.name} is ${text}, wanted on or off`);
  }
  if (!flag.isList) return parseValue(flag, text);
  return textsOf(text).map((text) => parseValue(flag, text));
}

/** Texts as `/set` shows them, which is JSON; what is none is one text as it is. */
function textsOf(text: string): readonly string[] {
  try {
    const texts: unknown[] = [JSON.parse(text)].flat();
    if (texts.every((text) => typeof text === "string")) return texts;
  } catch {
    // Most texts are no JSON.
  }
  return [text];
}

function showSetting(flag: Flag, { generate }: Session): string {
  const value = generate[flag.option as keyof GenerateOptions];
  if (value !== undefined) return `${flag.name} ${JSON.stringify(value)}`;
  return `${flag.name} (default: ${
    flag.default ?? (isSwitch(flag) ? "off" : "none")
  })`;
}

function isSwitch(flag: Flag): boolean {
  return flag.value === undefined;
}
