/**
 * Completion in the shells themselves. Where zsh or fish is missing its test is
 * ignored; bash is not.
 */

import { assertEquals } from "@std/assert";
import { dirname } from "@std/path";
import { moeno, PROGRAM } from "./_program.ts";
import { tempDirectory } from "./_tiny_checkpoint.ts";

/** Command lines to complete at their end, and what there is to choose from. */
const CASES: readonly (readonly [line: string, wanted: readonly string[]])[] = [
  ["ch", ["chat"]],
  ["co", ["completion", "config"]],
  ["chat --expert-b", ["--expert-bits"]],
  ["chat --policy l", ["lfu", "lru"]],
  ["bench --store=p", ["pinned"]],
  ["chat --model stories-17m", ["stories-17m", "stories-17m-q"]],
  ["chat --model mist", ["mistral/mixtral"]],
  ["chat -m fold", ["folder"]],
  ["generate --file a.t", ["a.txt"]],
  ["generate --file 'x' --trace=a.t", ["a.txt"]],
  ["chat --seed a", []],
  ["help quan", ["quantize"]],
  ["config un", ["unset"]],
  ["completion b", ["bash"]],
];

/** A folder to complete in, with models that were fetched. */
async function place() {
  const folder = tempDirectory();
  const { path } = folder;
  const models = `${path}/home/models/mistral`;
  await Deno.mkdir(`${models}/mixtral`, { recursive: true });
  await Deno.mkdir(`${models}/half.part`);
  await Deno.mkdir(`${path}/folder`);
  await Deno.writeTextFile(`${path}/a.txt`, "");
  return folder;
}

/** Runs a script in a shell where `moeno` is the program. */
async function run(shell: string, args: string[], cwd: string) {
  const { success, stdout, stderr } = await new Deno.Command(shell, {
    args,
    cwd,
    env: { MOENO_HOME: `${cwd}/home`, MOENO_CONFIG: "off", TERM: "dumb" },
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) throw new Error(`${shell}: ${decode(stderr)}`);
  return { stdout: decode(stdout), stderr: decode(stderr) };
}

/** Writes the script and a program of that name, as an installed one. */
async function install(shell: string, folder: string): Promise<string> {
  const { code, stdout, stderr } = await moeno(["completion", shell]);
  assertEquals([code, stderr], [0, ""]);
  await Deno.writeTextFile(`${folder}/completion`, stdout);
  await Deno.mkdir(`${folder}/bin`);
  const program = `${folder}/bin/moeno`;
  await Deno.writeTextFile(
    program,
    `#!/bin/sh\nexec "${Deno.execPath()}" run -A --quiet "${PROGRAM}" "$@"\n`,
  );
  await Deno.chmod(program, 0o755);
  return dirname(program);
}

function isThere(shell: string): boolean {
  try {
    return new Deno.Command(shell, { args: ["--version"] }).outputSync()
      .success;
  } catch {
    return false;
  }
}

Deno.test("completion in bash offers commands, flags, choices, models and files", async () => {
  using folder = await place();
  const bin = await install("bash", folder.path);
  // Bash cuts words at = signs, before it asks.
  const words = CASES.map(([line]) =>
    `moeno ${line}`.replaceAll("=", " = ").split(" ")
  );
  const script = [
    `PATH="${bin}:$PATH"; source ./completion`,
    "ask() {",
    '  COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _moeno',
    '  printf "%s;" "${COMPREPLY[@]}"; echo',
    "}",
    ...words.map((words) => `ask ${words.join(" ")}`),
    "complete -p moeno",
  ].join("\n");
  const { stdout, stderr } = await run("bash", ["-c", script], folder.path);
  assertEquals(stderr, "");
  const lines = stdout.trimEnd().split("\n");
  assertEquals(lines.pop(), "complete -F _moeno moeno");
  const answers = lines.map((line) => line.split(";").filter(Boolean).sort());
  assertEquals(
    CASES.map(([line], i) => [line, answers[i]]),
    CASES.map(([line, wanted]) => [line, [...wanted]]),
  );
});

Deno.test({
  name: "completion in fish (if installed) offers the same, with descriptions",
  ignore: !isThere("fish"),
  async fn() {
    using folder = await place();
    const bin = await install("fish", folder.path);
    const script = [
      `set -x PATH ${bin} $PATH; source ./completion`,
      ...CASES.flatMap(([line]) => [
        `complete -C "moeno ${line}"`,
        "echo =",
      ]),
      "complete -C 'moeno vers'",
    ].join("\n");
    const args = ["--no-config", "-c", script];
    const { stdout } = await run("fish", args, folder.path);
    const answers = stdout.split("=\n");
    assertEquals(
      answers.pop(),
      "version\tShows the version, and what the program was built of\n",
    );
    // Whole words, as typed, with a slash behind folders.
    const wordsOf = (answer: string) =>
      answer.split("\n").filter(Boolean).map((line) =>
        line.replace(/\t.*/, "").replace(/^--\w+=/, "").replace(/\/$/, "")
      ).sort();
    assertEquals(
      CASES.map(([line], i) => [line, wordsOf(answers[i]!)]),
      CASES.map(([line, wanted]) => [line, [...wanted]]),
    );
  },
});

Deno.test({
  name: "completion in zsh (if installed) completes what is typed",
  ignore: !isThere("zsh"),
  async fn() {
    using folder = await place();
    const bin = await install("zsh", folder.path);
    // Tab inserts what is the only one; Ctrl-T then writes the line to a file.
    // Behind it zsh puts a space, a slash, or the = of a flag with a value.
    const cases = CASES.filter(([, { length }]) => length < 2);
    const setup = `PATH="${bin}:$PATH"; autoload -Uz compinit; ` +
      "compinit -u -D; source ./completion; " +
      'show() { print -r -- "$BUFFER" >> typed; BUFFER= }; zle -N show; ' +
      "bindkey '^T' show; : > typed\n";
    const keys = cases.map(([line]) => `moeno ${line}\t\x14`).join("");
    await Deno.writeTextFile(`${folder.path}/setup`, setup);
    await Deno.writeTextFile(`${folder.path}/keys`, keys);
    const script = `
zmodload zsh/zpty
zpty -b shell zsh -f -i
zpty -w -n shell "$(< setup)"$'\\n'
# A shell that has not begun to edit lines would take tabs for text.
until [[ -e typed ]]; do zpty -r -t shell seen; sleep 0.05; done
zpty -w -n shell "$(< keys)"
until (( $(wc -l < typed) == ${cases.length} )); do
  zpty -r -t shell seen; sleep 0.05
done
zpty -d shell
`;
    await run("zsh", ["-f", "-c", script], folder.path);
    const typed = await Deno.readTextFile(`${folder.path}/typed`);
    assertEquals(
      typed.trimEnd().split("\n").map((line) => line.replace(/[ /=]$/, "")),
      cases.map(([line, [word]]) =>
        `moeno ${word === undefined ? line : line.replace(/[^ =]*$/, word)}`
      ),
    );
  },
});
