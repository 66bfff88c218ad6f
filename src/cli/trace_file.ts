import { type TracedModel, TraceRecorder } from "../engine/trace_recorder.ts";
import type { RoutingListener } from "../model/routing_reader.ts";
import { writeAll, writeWhole } from "../io/write_whole.ts";

/**
 * Records the routing of all that a model runs, and writes it to a file when
 * disposed of: whole, or not at all. Without a token it writes nothing.
 */
export class TraceFile implements AsyncDisposable {
  readonly #path: string;
  readonly #onWritten: (tokenCount: number) => void;
  readonly #guessAhead: readonly number[];
  #recorder: TraceRecorder | undefined;

  private constructor(
    path: string,
    onWritten: (tokenCount: number) => void,
    guessAhead: readonly number[],
  ) {
    this.#path = path;
    this.#onWritten = onWritten;
    this.#guessAhead = guessAhead;
  }

  /**
   * Makes sure that there is a place for the file before hours of work.
   *
   * @param path The file.
   * @param onWritten Hears how many tokens were written.
   * @param guessAhead How many layers ahead the model guesses, besides one.
   * @returns The recording, yet to begin.
   * @throws {Error} If the path cannot be a file's.
   */
  static async open(
    path: string,
    onWritten: (tokenCount: number) => void,
    guessAhead: readonly number[] = [],
  ): Promise<TraceFile> {
    const place = await statOf(path);
    if (place?.isDirectory) {
      throw cannotWrite(path, "it is a directory, wanted the path of a file");
    }
    const directory = path.replace(/[^/\\]*$/, "") || ".";
    if (!(await statOf(directory))?.isDirectory) {
      throw cannotWrite(path, "there is no such directory");
    }
    return new TraceFile(path, onWritten, guessAhead);
  }

  /** What the model is to tell of its routing. */
  readonly onRouting: RoutingListener = (layer, routing) =>
    this.#recorder?.record(layer, routing);

  /**
   * Begins to record.
   *
   * @param model The model, loaded.
   */
  begin(model: { name: string; config: TracedModel }): void {
    const { name, config } = model;
    this.#recorder = new TraceRecorder(name, config, this.#guessAhead);
  }

  /** Writes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    const tokenCount = this.#recorder?.tokenCount ?? 0;
    if (tokenCount === 0) return;
    try {
      await write(this.#path, this.#recorder!.bytes());
    } catch (error) {
      const { message, cause } = error as Error;
      const state = cause instanceof Error ? cause.message : message;
      throw cannotWrite(this.#path, state, error);
    }
    this.#onWritten(tokenCount);
  }
}

/** A device or a pipe is there to be written to, not to be replaced. */
async function write(path: string, bytes: Uint8Array): Promise<void> {
  const place = await statOf(path);
  if (place !== null && !place.isFile) return await Deno.writeFile(path, bytes);
  const target = place === null ? path : await Deno.realPath(path);
  await writeWhole(target, (file) => writeAll(file, bytes));
}

async function statOf(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw cannotWrite(path, (error as Error).message, error);
  }
}

function cannotWrite(path: string, state: string, cause?: unknown): Error {
  return new Error(`Cannot write the trace to ${path}: ${state}`, { cause });
}
