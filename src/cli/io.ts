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
  readonly terminal: { input: boolean; out: boolean; err: boolean };
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
      err: Deno.stderr.isTerminal(),
    },
  };
}
