/** Stand-ins for tests: an engine that echoes, and a process of strings. */

import { setColorEnabled } from "@std/fmt/colors";
import { generate, type Piece } from "../engine/generate.ts";
import { type GenerateOptions, resolveOptions } from "../engine/options.ts";
import { Sequence, type TokenModel } from "../engine/sequence.ts";
import type { OffloadRecord } from "../offload/offload_stats.ts";
import type { Message } from "../text/chat_template.ts";
import type { Surroundings } from "./command.ts";
import type { CliEngine, LoadOptions } from "./open_engine.ts";
import type { SettingsEnvironment } from "./settings/environment.ts";

/** Ends the text; all other ids are UTF-16 code units. */
const EOS = 0;

/** What a fake engine does. */
export interface FakeEngineOptions {
  /** The most positions. */
  contextLength?: number;
  /** Called before each token. */
  onToken?: () => void | Promise<void>;
  /** What offloading did in each answer. */
  offload?: OffloadRecord;
  /** Refuses conversations with a system message, as some templates do. */
  refusesSystem?: boolean;
}

/**
 * Answers each message with `<message>`, token by token, through the real token
 * loop.
 *
 * @param options What else it does.
 * @returns The engine, and what it was asked.
 */
export function fakeEngine(
  { contextLength = 200, onToken, offload, refusesSystem }: FakeEngineOptions =
    {},
): CliEngine & { asked: Message[][]; options: GenerateOptions[] } {
  let reply: number[] = [];
  let promptLength = 0;
  const model: TokenModel = {
    contextLength,
    async forward(ids, position) {
      await onToken?.();
      const logits = new Float32Array(65536);
      logits[reply[position + ids.length - promptLength] ?? EOS] = 100;
      return logits;
    },
  };
  const sequence = new Sequence(model, {
    decoder: () => ({ push: (id) => String.fromCharCode(id), flush: () => "" }),
    tokenText: (id) => String.fromCharCode(id),
  });
  const options: GenerateOptions[] = [];
  async function* start(
    prompt: string,
    given: GenerateOptions,
    text: string,
  ): AsyncGenerator<Piece, void> {
    options.push(given);
    const ids = codeUnits(prompt);
    promptLength = ids.length;
    reply = codeUnits(text);
    const settings = resolveOptions(given, { temperature: 0, eosIds: [EOS] });
    for await (const piece of generate(sequence, ids, settings)) {
      if (piece.final && offload) piece.final.offload = offload;
      yield piece;
    }
  }
  const asked: Message[][] = [];
  return {
    name: "fake",
    adapter: "no GPU",
    config: {
      numHiddenLayers: 1,
      numLocalExperts: 4,
      numExpertsPerTok: 2,
      vocabSize: 65536,
    },
    asked,
    options,
    async *chat(messages, given = {}): AsyncGenerator<Piece, void> {
      asked.push(messages.map((message) => ({ ...message })));
      if (refusesSystem && messages[0]?.role === "system") {
        throw new Error("Cannot render the chat template: no system role");
      }
      const prompt = messages.map(({ content }) => content).join("");
      yield* start(prompt, given, `<${messages.at(-1)!.content}>`);
    },
    generate: (prompt, given = {}) => start(prompt, given, "!"),
    async *logitRows(ids) {
      for (const _ of ids) yield new Float32Array(65536); // all alike
    },
    [Symbol.dispose]: () => {},
  };
}

function codeUnits(text: string): number[] {
  return Array.from(
    { length: text.length },
    (_, i) => text.charCodeAt(i),
  );
}

/**
 * Makes an environment for tests.
 *
 * @param variables All variables that are set.
 * @returns A Linux with these.
 */
export function environmentOf(
  variables: Readonly<Record<string, string>>,
): SettingsEnvironment {
  return {
    os: "linux",
    variable: (name) => variables[name],
    names: () => Object.keys(variables),
  };
}

/** A process whose streams are strings. */
export interface FakeProcess extends Surroundings {
  /** What was written to stdout. */
  stdout: string;
  /** What was written to stderr. */
  stderr: string;
  /** How models were opened. */
  opened: { directory: string; options: LoadOptions }[];
  /** Presses Ctrl-C. */
  interrupt(): void;
}

/**
 * Makes a process for tests.
 *
 * @param engine What opening a model gives; none fails.
 * @param options Its stdin, and whether that is a terminal.
 * @returns The process.
 */
export function fakeProcess(
  engine?: CliEngine,
  { input = "", isTerminal = false }: {
    input?: string | ReadableStream<Uint8Array>;
    isTerminal?: boolean;
  } = {},
): FakeProcess {
  setColorEnabled(false);
  const listeners = new Set<() => void>();
  const stream = typeof input === "string" ? new Response(input).body! : input;
  const process: FakeProcess = {
    stdout: "",
    stderr: "",
    opened: [],
    io: {
      out: (text) => void (process.stdout += text),
      err: (text) => void (process.stderr += text),
      input: stream,
      terminal: {
        ...{ input: isTerminal, out: false, err: false },
        size: () => ({ columns: 20, rows: 10 }),
      },
    },
    interrupts: {
      listen(onInterrupt, { patience = 1 } = {}) {
        let left = patience;
        const handle = () => {
          if (left-- <= 0) throw new Error("This Ctrl-C ends the process");
          onInterrupt();
        };
        listeners.add(handle);
        return { [Symbol.dispose]: () => void listeners.delete(handle) };
      },
    },
    environment: environmentOf({}),
    interrupt: () => listeners.forEach((listener) => listener()),
    open(directory, options) {
      process.opened.push({ directory, options });
      if (engine !== undefined) return Promise.resolve(engine);
      return Promise.reject(new Error(`Cannot open ${directory}: not here`));
    },
  };
  return process;
}
