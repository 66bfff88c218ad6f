import { fromFileUrl } from "@std/path";
import type { StateInfo } from "../engine/engine_state.ts";
import type { LoadOptions } from "../engine/load_options.ts";
import type { GenerateOptions } from "../engine/options.ts";
import type { Piece } from "../engine/generate.ts";
import type { LogitsSource } from "../engine/perplexity.ts";
import type { ProfileReport } from "../engine/profile_report.ts";
import type { TracedModel } from "../engine/trace_recorder.ts";
import { PROGRAM_ROOT } from "../program/program_root.ts";
import type { Message } from "../text/chat_template.ts";

export type { LoadOptions };

/** What a conversation uses of an `Engine`. */
export interface ChatEngine {
  /** Answers the last message. */
  chat(
    messages: readonly Message[],
    options?: GenerateOptions,
  ): AsyncGenerator<Piece, void>;
}

/** What the commands use of an `Engine`. */
export interface CliEngine extends ChatEngine, LogitsSource, Disposable {
  /** The model's name. */
  readonly name: string;
  /** What it runs on. */
  readonly adapter: string;
  /** The numbers of its layers, experts and tokens. */
  readonly config: TracedModel & LogitsSource["config"];
  /** Where the GPU's time went; `null` unless it was to be profiled. */
  readonly profile?: ProfileReport | null;
  /** Writes what has run of a conversation, with its keys and values, to a file. */
  saveState?(path: string, of?: readonly Message[]): Promise<StateInfo>;
  /** Reads what `saveState()` wrote. */
  loadState?(path: string): Promise<StateInfo>;
  /** Continues a prompt. */
  generate(
    prompt: string,
    options?: GenerateOptions,
  ): AsyncGenerator<Piece, void>;
}

/** Opens a model. */
export type OpenEngine = (
  directory: string,
  options: LoadOptions,
) => Promise<CliEngine>;

/** The model that opens when no flag names one, from the program's root. */
const DEFAULT_MODEL = "models/stories-17m-q";

/**
 * Opens a model with the real engine, which is loaded only now, so that help
 * and errors in flags come at once.
 *
 * @param directory The checkpoint.
 * @param options How to load it.
 * @returns The engine.
 */
export async function openEngine(
  directory: string,
  options: LoadOptions,
): Promise<CliEngine> {
  const { load } = await import("../engine/load.ts");
  return await load(directory, options);
}

/**
 * Finds the bundled model, wherever the program is run from.
 *
 * @returns Its directory.
 */
export function defaultModel(): string {
  const url = new URL(DEFAULT_MODEL, PROGRAM_ROOT);
  if (url.protocol !== "file:") {
    throw new Error(
      "Cannot open the bundled model: the program does not run from a " +
        "folder, wanted --model <directory>",
    );
  }
  return fromFileUrl(url);
}
