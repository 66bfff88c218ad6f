import type { Flag } from "../args.ts";
import type { Command } from "../command.ts";
import { argumentOf, quoted, type Shown, valueOf } from "./shown.ts";

/**
 * Makes the completion for bash, from 3.2 on. It needs no other script.
 *
 * @param commands All commands.
 * @returns The script.
 */
export function bashCompletion(commands: readonly Command[]): string {
  const names = commands.map(({ name }) => quoted(name));
  return `# Completion of moeno for bash; made by: moeno completion bash

_moeno_words() {
  local word
  for word in "$@"; do
    [[ $word == "$cur"* ]] && COMPREPLY+=("$word")
  done
}

_moeno_files() {
  # Readline does it better than compgen, where it can be asked.
  compopt -o default 2>/dev/null || COMPREPLY+=($(compgen -f -- "$cur"))
}

_moeno_directories() {
  compopt -o filenames 2>/dev/null
  COMPREPLY+=($(compgen -d -- "$cur"))
}

_moeno_models() {
  local name
  while read -r name; do
    _moeno_words "$name"
  done < <(moeno completion models 2>/dev/null)
  _moeno_directories
}

_moeno() {
  local IFS=$'\\n' cur=\${COMP_WORDS[COMP_CWORD]} flag=\${COMP_WORDS[COMP_CWORD-1]}
  COMPREPLY=()
  # --flag=value comes as three words.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $flag == = ]]; then
    flag=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  if ((COMP_CWORD == 1)); then
    _moeno_words ${[...names, "--help", "--version"].join(" ")}
    return
  fi
  case \${COMP_WORDS[1]} in
${commands.map((command) => commandCase(command, commands)).join("\n")}
  esac
}

complete -F _moeno moeno
`;
}

function commandCase(command: Command, commands: readonly Command[]): string {
  const { flags } = command;
  const values = groups(flags, commands);
  const argument = calls(argumentOf(command, commands));
  const words = flags.map(({ name }) => quoted(`--${name}`)).join(" ");
  return [
    `    ${quoted(command.name)})`,
    ...values.length === 0 ? [] : [
      "      case $flag in",
      ...values.map(([names, does]) =>
        `        ${names.map(quoted).join("|")}) ${does}return ;;`
      ),
      "      esac",
    ],
    // Nothing else can stand there: then flags show what the command can do.
    argument === ""
      ? `      [[ $cur == -* || $cur == "" ]] && _moeno_words ${words}`
      : `      if [[ $cur == -* ]]; then _moeno_words ${words}; else ${argument}fi`,
    "      ;;",
  ].join("\n");
}

/** Flags with values, those together whose values complete alike. */
function groups(
  flags: readonly Flag[],
  commands: readonly Command[],
): [names: string[], does: string][] {
  const groups = new Map<string, string[]>();
  for (const flag of flags) {
    if (flag.value === undefined) continue;
    const does = calls(valueOf(flag, commands));
    const names = [
      `--${flag.name}`,
      ...flag.letter === undefined ? [] : [`-${flag.letter}`],
    ];
    groups.set(does, [...groups.get(does) ?? [], ...names]);
  }
  return [...groups].map(([does, names]) => [names, does]);
}

/** The calls that complete it; each ends with a semicolon and a space. */
function calls({ words, named }: Shown): string {
  const list = words.length === 0
    ? ""
    : `_moeno_words ${words.map(quoted).join(" ")}; `;
  const rest = {
    file: "_moeno_files; ",
    directory: "_moeno_directories; ",
    model: "_moeno_models; ",
    command: "",
  };
  return list + (named === undefined ? "" : rest[named]);
}
