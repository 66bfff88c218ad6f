import type { Flag } from "../args.ts";
import type { Command } from "../command.ts";
import { argumentOf, type Shown, valueOf } from "./shown.ts";

/**
 * Makes the completion for fish, from 3.0 on.
 *
 * @param commands All commands.
 * @returns The script.
 */
export function fishCompletion(commands: readonly Command[]): string {
  return `# Completion of moeno for fish; made by: moeno completion fish

function __moeno_no_command
    test (count (commandline -opc)) -eq 1
end

function __moeno_command
    set -l words (commandline -opc)
    test (count $words) -gt 1; and test $words[2] = $argv[1]
end

function __moeno_models
    moeno completion models 2>/dev/null
    __fish_complete_directories (commandline -ct)
end

complete -c moeno -e
complete -c moeno -f
complete -c moeno -n __moeno_no_command -l help -d 'Show the commands'
complete -c moeno -n __moeno_no_command -l version -d 'Show the version'
${commands.map((command) => commandLines(command, commands)).join("\n")}
`;
}

function commandLines(command: Command, commands: readonly Command[]): string {
  const { name, summary, flags } = command;
  const start = `complete -c moeno -n ${quoted(`__moeno_command ${name}`)}`;
  const argument = valueOptions(argumentOf(command, commands));
  return [
    "",
    `complete -c moeno -n __moeno_no_command -a ${name} -d ${quoted(summary)}`,
    ...argument === "" ? [] : [`${start} ${argument}`],
    ...flags.map((flag) => `${start} ${flagOptions(flag, commands)}`),
  ].join("\n");
}

function flagOptions(flag: Flag, commands: readonly Command[]): string {
  const { name, letter, value, help } = flag;
  const shown = valueOf(flag, commands);
  const options = value === undefined ? "" : valueOptions(shown);
  return [
    ...letter === undefined ? [] : [`-s ${letter}`],
    `-l ${name}`,
    // Without -x fish takes the next word for an argument, with it for a value
    // that is no file.
    ...value === undefined ? [] : [shown.named === "file" ? "-r" : "-x"],
    ...options === "" ? [] : [options],
    `-d ${quoted(help)}`,
  ].join(" ");
}

function valueOptions({ words, named }: Shown): string {
  const commands = {
    file: [],
    directory: ["(__fish_complete_directories (commandline -ct))"],
    model: ["(__moeno_models)"],
    command: [],
  };
  const all = [...words, ...named === undefined ? [] : commands[named]];
  return [
    ...named === "file" ? ["-F"] : [],
    ...all.length === 0 ? [] : [`-a ${quoted(all.join(" "))}`],
  ].join(" ");
}

/** Within single quotes fish knows these two escapes. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
