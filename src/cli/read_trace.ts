import { readBounded } from "../io/read_bounded.ts";
import { parseTrace, type RoutingTrace } from "../offload/routing_trace.ts";

/** Many hundred thousand tokens of the largest models. */
const MAX_TRACE_BYTE_LENGTH = 1 << 28;

/**
 * Reads a file that `--trace` wrote.
 *
 * @param path The file.
 * @returns The trace.
 * @throws {Error} If it cannot be read, or is no trace.
 */
export async function readTrace(path: string): Promise<RoutingTrace> {
  const action = `read ${path}`;
  const maxByteLength = MAX_TRACE_BYTE_LENGTH;
  const bytes = await readBounded(path, { maxByteLength, action });
  try {
    return parseTrace(bytes);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const state = error.message.replace(/^Cannot read a routing trace: /, "");
    throw new Error(
      `Cannot ${action}: ${state}; chat --trace <file> records one`,
      { cause: error },
    );
  }
}
