/**
 * Input that may never end.
 *
 * @module
 */
import { formatByteLength } from "./byte_length.ts";
import { fileError } from "./file_error.ts";

/**
 * Reads a file or a stream to its end, unless that is too far away: a pipe and a
 * device may go on for ever, and a file of weights in the place of another fills the
 * memory.
 *
 * @param source The path of the file, or the stream, which is closed afterwards.
 * @param options The most bytes, and what is done, as in `read the prompt from a.txt`.
 * @returns All bytes.
 * @throws {Error} If there are more, or the system refuses; what else a stream throws.
 */
export async function readBounded(
  source: string | ReadableStream<Uint8Array>,
  options: { maxByteLength: number; action: string },
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const stream = typeof source === "string"
      ? (await Deno.open(source)).readable
      : source;
    return await readStream(stream, options);
  } catch (error) {
    throw fileError(options.action, error);
  }
}

async function readStream(
  stream: ReadableStream<Uint8Array>,
  { maxByteLength, action }: { maxByteLength: number; action: string },
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: BlobPart[] = [];
  let byteLength = 0;
  for await (const chunk of stream) {
    byteLength += chunk.byteLength;
    if (byteLength > maxByteLength) {
      const limit = formatByteLength(maxByteLength);
      throw new Error(
        `Cannot ${action}: there is more than ${limit}, wanted less`,
      );
    }
    chunks.push(chunk as Uint8Array<ArrayBuffer>);
  }
  return await new Blob(chunks).bytes();
}
