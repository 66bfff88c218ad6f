import type { Flag } from "../args.ts";
import type { Command } from "../command.ts";
import { argumentOf, quoted, type Shown, valueOf } from "./shown.ts";

/**
 * Makes the completion for zsh, from 5.0 on: to be sourced after `compinit`, or
 * to be the file `_moeno` of a folder in `$fpath`.
 *
 * @param commands All commands.
 * @returns The script.
 */
export function zshCompletion(commands: readonly Command[]): string {
  const described = commands.map(({ name, summary }) =>
    `    ${quoted(`${name}:${escaped(summary)}`)}`
  );
  return `#compdef moeno
# Completion of moeno for zsh; made by: moeno completion zsh

_moeno_models() {
  local -a names
  names=(\${(f)"$(moeno completion models 2>/dev/null)"})
  _alternative 'models:model:compadd -a names' 'folders:folder:_files -/'
}

_moeno() {
  local curcontext=$curcontext command=$words[2]
  local -a commands
  commands=(
${described.join("\n")}
  )
  if ((CURRENT == 2)); then
    _describe -t commands command commands
    compadd -- --help --version
    return
  fi
  # The command takes the place of the program.
  shift words
  ((CURRENT--))
  curcontext="\${curcontext%:*}-$command:"
  case $command in
${commands.map((command) => commandCase(command, commands)).join("\n")}
  esac
}

# As a file of $fpath this runs at the first completion, else it is sourced.
if [[ $funcstack[1] == _moeno ]]; then
  _moeno "$@"
else
  compdef _moeno moeno
fi
`;
}

function commandCase(command: Command, commands: readonly Command[]): string {
  const action = actionOf(argumentOf(command, commands));
  // A message in place of arguments would keep the only flag from being inserted.
  const specs = [
    ...command.flags.flatMap((flag) => flagSpecs(flag, commands)),
    ...action === " " ? [] : [`*:argument:${action}`],
  ].map(quoted);
  return [
    `    ${command.name})`,
    `      _arguments -S \\\n        ${specs.join(" \\\n        ")}`,
    "      ;;",
  ].join("\n");
}

/** A spec for each spelling; one rules out the others, unless it is a list. */
function flagSpecs(flag: Flag, commands: readonly Command[]): string[] {
  const { name, letter, value, help, isList } = flag;
  const spellings = [
    ...letter === undefined ? [] : [`-${letter}`],
    `--${name}`,
  ];
  const others = isList ? "*" : `(${spellings.join(" ")})`;
  return spellings.map((spelling) => {
    const hasEqual = value !== undefined && spelling.startsWith("--");
    const start = `${others}${spelling}${hasEqual ? "=" : ""}`;
    const action = actionOf(valueOf(flag, commands));
    const rest = value === undefined ? "" : `:${escaped(value)}:${action}`;
    return `${start}[${escaped(help)}]${rest}`;
  });
}

function actionOf({ words, named }: Shown): string {
  // A space is the action that completes nothing.
  if (named === "file") return "_files";
  if (named === "directory") return "_files -/";
  if (named === "model") return "_moeno_models";
  return words.length === 0 ? " " : `(${words.map(escaped).join(" ")})`;
}

function escaped(text: string): string {
  return text.replace(/[\\[\]:]/g, "\\$&");
}
