/** Commands about what was said. */

import { bold, dim } from "@std/fmt/colors";
import { statsLine } from "../../engine/stats.ts";
import { counted } from "../../io/counted.ts";
import { harmlessText } from "../../io/harmless.ts";
import { offloadTable } from "../../offload/stats_table.ts";
import { UsageError } from "../usage_error.ts";
import type { ChatCommand, Outcome, Session } from "./session.ts";

/** Characters of a message that say which one is meant. */
const EXCERPT_LENGTH = 60;

/** `/clear`: a new conversation. */
export const CLEAR: ChatCommand = {
  name: "clear",
  help: "Begin a new conversation",
  run(_value, session) {
    session.conversation.clear();
    session.path = null;
    session.io.err("A new conversation begins.\n");
    return "continue";
  },
};

/** `/undo`: without the last turn. */
export const UNDO: ChatCommand = {
  name: "undo",
  help: "Take the last message and its answer away",
  run(_value, { conversation, io }) {
    const question = conversation.undo();
    io.err(
      question === undefined
        ? "There is nothing to take away.\n"
        : `Taken away: ${excerpt(question)} ${
          dim(`(${counted(conversation.turnCount, "turn")} left)`)
        }\n`,
    );
    return "continue";
  },
};

/** `/regen`: another answer. */
export const REGEN: ChatCommand = {
  name: "regen",
  help: "Answer again, with a fresh seed",
  run(_value, { conversation, io }) {
    if (conversation.lastQuestion !== undefined) return "regenerate";
    io.err("There is no message to answer again.\n");
    return "continue";
  },
};

/** `/history`: the conversation so far. */
export const HISTORY: ChatCommand = {
  name: "history",
  help: "Show the conversation",
  run(_value, { conversation, io }) {
    const { system, messages } = conversation;
    if (system !== undefined) {
      io.err(dim(`system: ${harmlessText(system)}`) + "\n");
    }
    for (const message of messages) {
      const content = harmlessText(message.content);
      const text = message.role === "user"
        ? bold(`> ${content.replaceAll("\n", "\n... ")}`)
        : content;
      io.err(text.endsWith("\n") ? text : `${text}\n`);
    }
    if (messages.length === 0) io.err("Nothing was said yet.\n");
    return "continue";
  },
};

/** `/stats`: how fast it was. */
export const STATS: ChatCommand = {
  name: "stats",
  value: "[on | off]",
  help: "Show the last answer's figures, or each's",
  run: stats,
  complete: (start) => ["on", "off"].filter((word) => word.startsWith(start)),
};

function stats(value: string, session: Session): Outcome {
  const { io, results } = session;
  if (value === "on" || value === "off") {
    session.showsStats = value === "on";
    io.err(`Statistics after each answer: ${value}.\n`);
    return "continue";
  }
  if (value !== "") {
    throw new UsageError(`/stats is given ${value}, wanted on, off or nothing`);
  }
  const last = results.at(-1);
  if (last === undefined) {
    io.err("There is no answer yet.\n");
    return "continue";
  }
  const total = results.reduce(
    (sum, { completionTokens }) => sum + completionTokens,
    0,
  );
  io.err(`${statsLine(last)}; seed ${last.seed}\n`);
  if (last.offload) io.err(offloadTable(last.offload) + "\n");
  io.err(`# ${counted(total, "token")} in all answers\n`);
  return "continue";
}

/** The beginning of a text, on one line. */
function excerpt(text: string): string {
  const line = harmlessText(text).replace(/\s+/g, " ");
  return line.length <= EXCERPT_LENGTH
    ? line
    : `${line.slice(0, EXCERPT_LENGTH).trimEnd()}...`;
}
