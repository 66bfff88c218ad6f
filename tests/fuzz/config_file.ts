/** The file of the configuration, and variables that set flags. */

import fc from "npm:fast-check@4.11.0";
import { assert } from "@std/assert";
import { describeError } from "../../src/cli/describe_error.ts";
import { environmentOf } from "../../src/cli/_fake_engine.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { parseConfig } from "../../src/cli/settings/config_file.ts";
import { resolveArgs } from "../../src/cli/settings/resolve_args.ts";
import { UsageError } from "../../src/cli/usage_error.ts";
import { mutatedJson } from "./_mutated_json.ts";
import { assertClear } from "./_outcome.ts";
import type { Target, Verdict } from "./_target.ts";

const CONFIG = {
  ...{ temperature: 0.5, "top-k": 40, "max-tokens": 100, system: "be kind" },
  chat: { seed: 7, stats: true, "min-p": 0.1, slots: "4,4" },
  serve: { port: 8080, cors: ["http://a.example"], host: "127.0.0.1" },
  generate: { stop: ["a", "b"], slots: [1, 2, 3] },
};

const COMMANDS_NAMES = COMMANDS.map(({ name }) => name);

/** A file, and what is set besides. */
interface Input {
  readonly text: string;
  readonly command: string;
  readonly variable: readonly [string, string];
}

/** `parseConfig()` and `resolveArgs()` */
export const CONFIG_FILE: Target<Input> = {
  name: "config file",
  cases: 400,
  inputs: fc.record({
    text: mutatedJson([CONFIG, { temperature: 0.7 }], {
      values: [
        ...["off", "auto", 0.5, 40, ["a"], true, "~/x", "4GB", [1, 2]],
        ...[CONFIG.chat, CONFIG.serve],
      ],
    }),
    command: fc.constantFrom(...COMMANDS_NAMES),
    variable: fc.tuple(
      fc.constantFrom(
        ...["MOENO_TEMPERATURE", "MOENO_CHAT_SEED", "MOENO_SLOTS", "MOENO_X"],
        ...["MOENO_STOP", "MOENO_STATS", "MOENO_SERVE_PORT", "MOENO_MODEL"],
      ),
      fc.constantFrom("", "1", "-1", "x", "true", "\0", "1e999", "é", "a\nb"),
    ),
  }),
  feed: ({ text, command, variable }) =>
    refusal(() => {
      const file = parseConfig(text, "config.json", COMMANDS);
      const chosen = COMMANDS.find(({ name }) => name === command)!;
      const environment = environmentOf({ [variable[0]]: variable[1] });
      const typed = { values: {}, positional: [], undone: new Set<string>() };
      resolveArgs(chosen, typed, { environment, file });
    }),
};

/**
 * Runs what refuses a command line.
 *
 * @param run What to run.
 * @returns Whether it took it.
 */
export function refusal(run: () => void): Verdict {
  try {
    run();
    return "accepted";
  } catch (error) {
    assert(error instanceof UsageError, `not a UsageError: ${error}`);
    assertClear(describeError(error, false), /^\S/);
    return "refused";
  }
}
