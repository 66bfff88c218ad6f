/** A program on a terminal: a pseudo-terminal of util-linux's `script`. */

import { Screen } from "./_screen.ts";

/** Whether there is `script`. */
export const HAS_TERMINAL: boolean = Deno.build.os === "linux" &&
  await new Deno.Command("sh", { args: ["-c", "command -v script"] }).output()
    .then(({ success }) => success);

/** Seconds until something that does not come is missed. */
const LIMIT_S = 60;

/** Keys by name. */
export const KEYS = {
  backspace: "\x7f",
  ctrl: (letter: string) => String.fromCharCode(letter.charCodeAt(0) & 31),
  down: "\x1b[B",
  enter: "\r",
  left: "\x1b[D",
  paste: (text: string) => `\x1b[200~${text.replaceAll("\n", "\r")}\x1b[201~`,
  tab: "\t",
  up: "\x1b[A",
} as const;

/** How to start a program. */
export interface TerminalOptions {
  /** Environment variables besides those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Characters of a row. */
  readonly columns?: number;
  /**
   * Deno's flags that say what it may do.
   *
   * @default {["-A"]}
   */
  readonly permissions?: readonly string[];
}

/** A program on a terminal, and who sits there. */
export class Terminal implements AsyncDisposable {
  /** What the program wrote, as it came. */
  readonly pieces: string[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #screen: Screen;
  readonly #reading: Promise<void>;
  #device = "";
  #isOver = false;
  #wake = () => {};

  private constructor(child: Deno.ChildProcess, columns: number) {
    this.#child = child;
    this.#writer = child.stdin.getWriter();
    this.#screen = new Screen(columns);
    this.#reading = this.#read();
  }

  /**
   * Starts a program of Deno.
   *
   * @param program Its path.
   * @param args Its command line.
   * @param options Its surroundings.
   * @returns The terminal.
   */
  static async open(
    program: string,
    args: readonly string[],
    { env = {}, columns = 80, permissions = ["-A"] }: TerminalOptions = {},
  ): Promise<Terminal> {
    const start = [Deno.execPath(), "run", ...permissions, "--quiet"];
    const words = [...start, program, ...args]
      .map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
    // Ctrl-C is for the program, not for the shell that waits for it.
    const command = [
      "trap : INT",
      `stty rows 24 cols ${columns}`,
      "before=$(stty -g)",
      "tty",
      words.join(" "),
      "code=$?",
      `[ "$before" = "$(stty -g)" ] || echo "the terminal is not as it was"`,
      "exit $code",
    ].join("\n");
    const child = new Deno.Command("script", {
      args: [
        "--quiet",
        "--flush",
        "--return",
        "--command",
        command,
        "/dev/null",
      ],
      env: { TERM: "xterm", SHELL: "/bin/sh", ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const terminal = new Terminal(child, columns);
    await terminal.until(/\/dev\/\S+\n/);
    terminal.#device = /\/dev\/\S+/.exec(terminal.text)![0];
    return terminal;
  }

  /** What the screen shows, and what has scrolled away. */
  get text(): string {
    return this.#screen.text;
  }

  /** The row with the cursor. */
  get line(): string {
    return this.#screen.line;
  }

  /** The cursor's column. */
  get column(): number {
    return this.#screen.column;
  }

  /**
   * Types.
   *
   * @param keys What is typed, at once.
   */
  async type(...keys: string[]): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(keys.join("")));
  }

  /**
   * Waits until the screen shows something.
   *
   * @param wanted A text, a pattern, or what tells.
   */
  async until(wanted: string | RegExp | (() => boolean)): Promise<void> {
    const isThere = typeof wanted === "function"
      ? wanted
      : typeof wanted === "string"
      ? () => this.text.includes(wanted)
      : () => wanted.test(this.text);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#wake();
    }, LIMIT_S * 1000);
    try {
      while (!isThere()) {
        if (isLate || this.#isOver) {
          const why = isLate ? `after ${LIMIT_S} s` : "at the end";
          throw new Error(
            `Cannot see ${wanted} ${why}; there is\n${this.text}`,
          );
        }
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Changes the width, as dragging a window does.
   *
   * @param columns Characters of a row.
   */
  async resize(columns: number): Promise<void> {
    this.#screen.resize(columns);
    const args = ["-F", this.#device, "cols", String(columns)];
    await new Deno.Command("stty", { args }).output();
  }

  /**
   * Waits for the end of the program.
   *
   * @returns Its exit code.
   */
  async code(): Promise<number> {
    await this.#reading;
    const { code } = await this.#child.status;
    if (this.text.includes("the terminal is not as it was")) {
      throw new Error("Cannot use the terminal: its modes are not as before");
    }
    return code;
  }

  /** Ends the program if it runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended.
    }
    await this.#reading;
    await this.#child.status;
    await this.#writer.close().catch(() => {});
  }

  async #read(): Promise<void> {
    let rest = "";
    const stream = this.#child.stdout.pipeThrough(new TextDecoderStream());
    for await (const piece of stream) {
      this.pieces.push(piece);
      // A sequence may be cut by the end of a read.
      const text = rest + piece;
      // deno-lint-ignore no-control-regex -- terminals speak in control characters
      const end = text.search(/\x1b(?:\[[0-?]*)?$/);
      rest = end < 0 ? "" : text.slice(end);
      this.#screen.write(end < 0 ? text : text.slice(0, end));
      this.#wake();
    }
    this.#isOver = true;
    this.#wake();
  }
}
