/** Command lines. */

import fc from "npm:fast-check@4.11.0";
import { assert } from "@std/assert";
import { fakeEngine, fakeProcess } from "../../src/cli/_fake_engine.ts";
import { parseFlags } from "../../src/cli/args.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { main } from "../../src/cli/main.ts";
import { mutatedText } from "./_mutated_bytes.ts";
import { assertClear } from "./_outcome.ts";
import { refusal } from "./config_file.ts";
import type { Target } from "./_target.ts";

/** Commands that need no GPU, no network and no time. */
const LIGHT = [
  ...["chat", "generate", "list", "show", "rm", "trace", "config"],
  ...["completion", "help", "version", "quantize"],
];

const FLAGS = [
  ...new Set(COMMANDS.flatMap(({ flags }) => flags.map(({ name }) => name))),
];

const VALUES = [
  ...["", "0", "1", "-1", "1.5", "1e999", "NaN", "0x10", "auto", "4,4", "@x"],
  ...["x", "é🙂", "\x1b[2J", "a\nb", "--", "-", "4GB", "99999999999999999999"],
  ...["none", "../x", "/", ".", "a=b", "true", "false", "4,".repeat(3000)],
  ...[
    "x".repeat(100_000),
    "mixtral-8x7b",
    "tiny",
    "json",
    "bash",
    "set",
    "get",
  ],
];

const arg = fc.oneof(
  fc.constantFrom(...FLAGS).map((name) => `--${name}`),
  fc.constantFrom(...FLAGS).map((name) => `--no-${name}`),
  fc.tuple(fc.constantFrom(...FLAGS), fc.constantFrom(...VALUES))
    .map(([name, value]) => `--${name}=${value}`),
  fc.constantFrom(...VALUES),
  mutatedText(["--temperature", "-q", "--slots=4,4", "-m", "--no-"])
    // No system hands over an argument with this character in it.
    .map((text) => text.replaceAll("\0", "")),
);

/** `parseFlags()` of every command */
export const FLAGS_OF_COMMANDS: Target<readonly string[]> = {
  name: "flags",
  cases: 300,
  inputs: fc.array(arg, { maxLength: 6 }),
  async feed(args) {
    let verdict: "accepted" | "refused" = "refused";
    for (const { flags } of COMMANDS) {
      if (await refusal(() => void parseFlags(flags, args)) === "accepted") {
        verdict = "accepted";
      }
    }
    return verdict;
  },
};

/** A command line and what stdin holds. */
interface Input {
  readonly args: readonly string[];
  readonly input: string;
}

/** `main()` */
export const COMMAND_LINE: Target<Input> = {
  name: "command line",
  cases: 300,
  inputs: fc.record({
    args: fc.tuple(
      fc.oneof(
        { weight: 9, arbitrary: fc.constantFrom(...LIGHT) },
        {
          weight: 1,
          arbitrary: mutatedText(["chat", "--help"]).map((it) =>
            it.replaceAll("\0", "")
          ),
        },
      ),
      fc.array(arg, { maxLength: 4 }),
    ).map(([command, args]) => [command, ...args]),
    input: fc.constantFrom("", "a\n", "\0\n", "/help\n/exit\n"),
  }),
  async feed({ args, input }) {
    if (
      !LIGHT.includes(args[0]!) && COMMANDS.some(({ name }) => name === args[0])
    ) {
      return "refused";
    }
    const process = fakeProcess(fakeEngine(), { input });
    const code = await main(args, process);
    assert([0, 1, 2, 130].includes(code), `code ${code}`);
    if (code !== 1 && code !== 2) return "accepted";
    const errors = process.stderr.split("\n")
      .filter((line) => line.startsWith("error: "));
    assert(errors.length >= 1, `no error is told: ${process.stderr}`);
    if (!args.includes("--debug") && !args.includes("--debug=true")) {
      assertClear(errors[0]!.slice("error: ".length), /^\S/);
    }
    return "refused";
  },
};
