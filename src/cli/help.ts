import { bold, dim } from "@std/fmt/colors";
import type { Flag } from "./args.ts";
import type { Command } from "./command.ts";
import { LINE_WIDTH, wrap, wrapBeside, wrapParagraphs } from "./wrap.ts";

/** The name of the program, as typed. */
const PROGRAM = "moeno";

/**
 * The help of the program.
 *
 * @param commands What it can do.
 * @returns Several lines.
 */
export function programHelp(commands: readonly Command[]): string {
  const rows = commands.map(({ name, summary }): [string, string] => [
    name,
    summary,
  ]);
  return [
    "Runs Mixture-of-Experts language models on any GPU that WebGPU reaches.",
    "",
    `${bold("Usage:")} ${PROGRAM} <command> [flags]`,
    "",
    bold("Commands:"),
    ...table(rows),
    "",
    `${PROGRAM} <command> --help shows the flags of a command. A file or variables may`,
    `set them, too: ${PROGRAM} config --help.`,
    "",
  ].join("\n");
}

/**
 * The help of a command.
 *
 * @param command The command.
 * @returns Several lines.
 */
export function commandHelp(command: Command): string {
  const { name, usage, summary, details, flags } = command;
  const rows = flags.map((flag): [string, string] => [
    flagSyntax(flag),
    flagHelp(flag),
  ]);
  return [
    `${summary}.`,
    "",
    ...wrap(
      `${bold("Usage:")} ${[PROGRAM, name, usage].filter(Boolean).join(" ")}`,
      LINE_WIDTH,
    ),
    "",
    ...details === undefined ? [] : [wrapParagraphs(details, LINE_WIDTH), ""],
    ...flags.length === 0 ? [] : [bold("Flags:"), ...table(rows), ""],
    ...flags.every(({ isTypedOnly }) => isTypedOnly) ? [] : [
      "--no-<flag> takes back what was typed, or what a file or a variable sets: see",
      `${PROGRAM} config --help.`,
      "",
    ],
  ].join("\n");
}

function flagSyntax({ name, letter, value }: Flag): string {
  const short = letter === undefined ? "    " : `-${letter}, `;
  return `${short}--${name}${value === undefined ? "" : ` ${value}`}`;
}

function flagHelp({ help, choices, default: fallback }: Flag): string {
  const notes = [
    ...choices === undefined ? [] : [choices.join("|")],
    ...fallback === undefined ? [] : [`default: ${fallback}`],
  ];
  return notes.length === 0 ? help : `${help} ${dim(`[${notes.join("; ")}]`)}`;
}

/** Two columns, the right one in as many lines as it takes. */
function table(rows: readonly [string, string][]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.flatMap(([left, right]) =>
    wrapBeside(`  ${left.padEnd(width)}  `, right, LINE_WIDTH)
  );
}
