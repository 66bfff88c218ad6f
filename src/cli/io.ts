import { PROCESS_ENVIRONMENT } from "../io/home.ts";

/**
 * Where a command writes and reads. Tokens and results go to `out`, everything
 * else to `err`.
 */
export interface Io {
  /** Writes to stdout. */
  out(text: string): void;
  /** Writes to stderr. */
  err(text: string): void;
  /** Bytes of stdin. */
  readonly input: ReadableStream<Uint8Array>;
  /** What is connected to a terminal. */
  readonly terminal: TerminalFacts;
}

/** What is connected to a terminal, and what that can do. */
export interface TerminalFacts {
  /** Whether stdin is one. */
  input: boolean;
  /** Whether stdout is one. */
  out: boolean;
  /** Whether stderr is one that can write over what it shows: no dumb one. */
  err: boolean;
  /** Asks for its room. */
  size(): Size;
}

/** Room on a terminal. */
export interface Size {
  /** Characters of a row. */
  readonly columns: number;
  /** Rows of the screen. */
  readonly rows: number;
}

/**
 * The streams of this process.
 *
 * @returns Writers that return when all is written.
 */
export function processIo(): Io {
  const encoder = new TextEncoder();
  function writer(stream: { writeSync(data: Uint8Array): number }) {
    return (text: string) => {
      let bytes = encoder.encode(text);
      while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
    };
  }
  return {
    out: writer(Deno.stdout),
    err: writer(Deno.stderr),
    get input() {
      return Deno.stdin.readable;
    },
    terminal: {
      input: Deno.stdin.isTerminal(),
      out: Deno.stdout.isTerminal(),
      err: Deno.stderr.isTerminal() &&
        PROCESS_ENVIRONMENT.variable("TERM") !== "dumb",
      size: consoleSize,
    },
  };
}

/** The size of this process's terminal; a guess where nobody knows. */
function consoleSize(): Size {
  try {
    const { columns, rows } = Deno.consoleSize();
    // A terminal that nobody told its size says 0.
    return { columns: columns || 80, rows: rows || 24 };
  } catch {
    return { columns: 80, rows: 24 };
  }
}
