import { closest } from "../../io/closest.ts";
import type { Flag, ParsedArgs } from "../args.ts";
import type { Command, Surroundings } from "../command.ts";
import { UsageError } from "../usage_error.ts";
import { bashCompletion } from "./bash.ts";
import { fishCompletion } from "./fish.ts";
import { modelNames } from "./model_names.ts";
import { zshCompletion } from "./zsh.ts";

/** Makes a script from all commands. */
type MakeScript = (commands: readonly Command[]) => string;

const SHELLS: Readonly<Record<string, MakeScript>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** A file of settings does not change a script. */
const FLAGS: readonly Flag[] = [
  { name: "debug", option: "debug", help: "Show the stack of an error" },
  { name: "help", option: "help", letter: "h", help: "Show this help" },
].map((flag) => ({ ...flag, isTypedOnly: true }));

const DETAILS =
  `The script goes to stdout. A line in a file of the shell makes it complete:

bash   ~/.bashrc                    eval "$(moeno completion bash)"
zsh    ~/.zshrc, after compinit     source <(moeno completion zsh)
fish   ~/.config/fish/config.fish   moeno completion fish | source

That starts moeno with each shell. To save that time, write the script to a
file instead, and again after each update:

bash   moeno completion bash > ~/.local/share/bash-completion/completions/moeno
zsh    moeno completion zsh > _moeno, in a folder of $fpath
fish   moeno completion fish > ~/.config/fish/completions/moeno.fish

Where moeno is no program on the PATH, make it a function before that, since
zsh does not complete aliases by their own name:

       moeno() { deno run -A /path/to/mod.ts "$@"; }           bash, zsh
       function moeno; deno run -A /path/to/mod.ts $argv; end   fish

completion models prints the names of models, one a line: the scripts ask it.`;

/**
 * `completion`: scripts for shells.
 *
 * @param commands All commands; called only when it runs.
 * @returns The command.
 */
export function completionCommand(
  commands: () => readonly Command[],
): Command {
  return {
    name: "completion",
    summary: "Prints a script that completes commands and flags in a shell",
    usage: "<bash | zsh | fish>",
    details: DETAILS,
    flags: FLAGS,
    words: Object.keys(SHELLS),
    run: (args, surroundings) => run(args, surroundings, commands()),
  };
}

async function run(
  { positional }: ParsedArgs,
  { io, environment }: Surroundings,
  commands: readonly Command[],
): Promise<number> {
  const [shell = "", ...rest] = positional;
  if (shell === "models" && rest.length === 0) {
    const names = await modelNames(environment);
    io.out(names.map((name) => `${name}\n`).join(""));
    return 0;
  }
  const script = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
  if (script === undefined || rest.length > 0) {
    const names = Object.keys(SHELLS);
    const received = positional.length === 0
      ? "received nothing"
      : `received ${JSON.stringify(positional.join(" "))}`;
    const guess = closest(shell, names);
    throw new UsageError(
      `completion takes one of ${names.join(", ")}, ${received}` +
        (guess === undefined || rest.length > 0
          ? ""
          : `; did you mean ${guess}?`),
    );
  }
  io.out(script(commands));
  return 0;
}
