import { fileError } from "../io/file_error.ts";
import { PROCESS_ENVIRONMENT } from "../io/home.ts";

/** How long to wait for a reader that is slow, in ms. */
const RETRY_MS = 5;

/**
 * Where a command writes and reads. Tokens and results go to `out`, everything
 * else to `err`.
 */
export interface Io {
  /** Writes to stdout. */
  out(text: string): void;
  /** Writes to stderr, if anybody reads it. */
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

/** What bytes are written to, such as `Deno.stdout`. */
export interface ByteSink {
  /** Writes some of the bytes, and says how many. */
  writeSync(bytes: Uint8Array): number;
}

/**
 * Makes writers of streams. What a command notes on the way must not end it, so that
 * nothing comes of a stderr that is closed or full.
 *
 * @param stdout What `out` writes to.
 * @param stderr What `err` writes to.
 * @returns Writers that return when all is written.
 */
export function ioWriters(
  stdout: ByteSink,
  stderr: ByteSink,
): Pick<Io, "out" | "err"> {
  return {
    out(text) {
      try {
        writeText(stdout, text);
      } catch (error) {
        // Nobody is to be told that nobody is there.
        if (error instanceof Deno.errors.BrokenPipe) throw error;
        throw fileError("write to stdout", error);
      }
    },
    err(text) {
      try {
        writeText(stderr, text);
      } catch {
        // There is nowhere else to say it.
      }
    },
  };
}

const ENCODER = new TextEncoder();

function writeText(sink: ByteSink, text: string): void {
  let bytes = ENCODER.encode(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(sink.writeSync(bytes));
    } catch (error) {
      // Whoever shares a pipe or a terminal with us may have made it so.
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}

/**
 * The streams of this process.
 *
 * @returns Them.
 */
export function processIo(): Io {
  return {
    ...ioWriters(Deno.stdout, Deno.stderr),
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
