import { dim } from "@std/fmt/colors";
import { counted } from "../../io/counted.ts";
import type { ChatCommand, Outcome } from "./session.ts";

/** `/model`: who answers. */
export const MODEL: ChatCommand = {
  name: "model",
  value: "[name | path]",
  help: "Show who answers, or change it",
  async run(value, session): Promise<Outcome> {
    const { io, models, conversation } = session;
    if (value === "" || models === null) {
      const { name, adapter } = session.engine;
      const from = models === null ? "" : `, opened from ${models.current}`;
      io.err(`${name} on ${adapter}${from}\n`);
      return "continue";
    }
    using _listening = session.interrupts.listen(() =>
      io.err("\nA model cannot be half loaded; Ctrl-C again ends the chat\n")
    );
    try {
      session.engine = await models.change(value);
    } catch (error) {
      session.engine = models.engine; // the old one, opened again
      throw error;
    }
    const { name, adapter } = session.engine;
    const { turnCount } = conversation;
    const kept = turnCount === 0
      ? ""
      : dim(`; it knows the conversation (${counted(turnCount, "turn")})`);
    io.err(`${name} on ${adapter} answers now${kept}\n`);
    return "continue";
  },
  complete: (start, { models }) => models?.names(start) ?? [],
};
