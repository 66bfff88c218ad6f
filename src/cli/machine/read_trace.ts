import { parseTrace, type RoutingTrace } from "../../offload/routing_trace.ts";

/**
 * Reads a file that `--trace` wrote.
 *
 * @param path The file.
 * @returns The trace.
 * @throws {Error} If it cannot be read, or is no trace.
 */
export async function readTrace(path: string): Promise<RoutingTrace> {
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(path);
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : (error as Error).message;
    throw new Error(`Cannot read the trace ${path}: ${reason}`, {
      cause: error,
    });
  }
  try {
    return parseTrace(bytes);
  } catch (error) {
    throw new Error(`${(error as Error).message} (${path})`, { cause: error });
  }
}
