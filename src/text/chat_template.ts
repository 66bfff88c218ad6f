/**
 * Conversations to prompts.
 *
 * @module
 */
import { Environment, Template } from "@huggingface/jinja";
import { BoundedInterpreter } from "./bounded_interpreter.ts";
import { isRecord, specialToken } from "./special_token.ts";
import { strftime } from "./strftime.ts";

/** A turn of a conversation. */
export interface Message {
  /** Who says it: `user`, `assistant`, or what else the template knows. */
  role: string;
  /** What is said. */
  content: string;
}

/** Options for {@linkcode ChatTemplate}. */
export interface ChatTemplateOptions {
  /** What the template calls `bos_token`. */
  bosToken?: string | undefined;
  /** What the template calls `eos_token`. */
  eosToken?: string | undefined;
  /** What the template calls `unk_token`. */
  unkToken?: string | undefined;
  /** What the template calls `pad_token`. */
  padToken?: string | undefined;
}

/** Options for {@linkcode ChatTemplate.render}. */
export interface RenderOptions {
  /**
   * Whether to end with what begins an answer.
   *
   * @default {false}
   */
  addGenerationPrompt?: boolean;
  /**
   * JSON schemas of the tools that the model may call.
   *
   * @default {undefined} no tools
   */
  tools?: readonly unknown[];
  /**
   * Other variables of the template, as in `{ enable_thinking: false }`.
   *
   * @default {{}}
   */
  variables?: Readonly<Record<string, unknown>>;
  /**
   * What the template takes for the current time.
   *
   * @default {new Date()}
   */
  now?: Date;
  /**
   * How long it may take, in ms.
   *
   * @default {5000}
   */
  timeoutMs?: number;
}

/** How long a template may take; those that are meant take milliseconds. */
const TIMEOUT_MS = 5000;

/** The longest template: twenty times the longest that is known. */
const MAX_SOURCE_LENGTH = 1 << 20;

/** The most white space in one place, which the library reads in its square. */
const MAX_SPACE_LENGTH = 1000;

/** Characters of what went wrong: it may be a whole conversation. */
const REASON_LENGTH = 300;

/** The longest `range()`, as in Jinja's own sandbox. */
const MAX_RANGE_LENGTH = 100_000;

/**
 * A chat template in Jinja, with the settings and functions that transformers
 * gives it.
 *
 * A template comes with the weights and is a program. It reaches no files and
 * no network, and is bounded: by time, by the length of texts (2^22) and of
 * lists (2^20), by all that it makes (256 MiB), and one `range()` is at most 100,000
 * long.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ChatTemplate } from "./chat_template.ts";
 *
 * const template = new ChatTemplate(
 *   "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}{% endfor %}",
 *   { bosToken: "<s>" },
 * );
 * const prompt = template.render([{ role: "user", content: "Hello" }]);
 * assertEquals(prompt, "<s>[user] Hello");
 * ```
 */
export class ChatTemplate {
  /** The template as it was written. */
  readonly source: string;
  readonly #template: Template;
  readonly #specialTokens: Readonly<Record<string, string | undefined>>;

  /**
   * Parses a template.
   *
   * @param source The template.
   * @param options The special tokens of the model.
   * @throws {SyntaxError} If it is not a template.
   */
  constructor(source: string, options: ChatTemplateOptions = {}) {
    this.source = source;
    this.#specialTokens = {
      "bos_token": options.bosToken,
      "eos_token": options.eosToken,
      "unk_token": options.unkToken,
      "pad_token": options.padToken,
    };
    checkSource(source);
    try {
      this.#template = new Template(source);
    } catch (error) {
      // The library runs into a TypeError when it reads past the end.
      const reason = reasonOf(
        error,
        "it ends early, wanted the end of a block or of an expression",
      );
      throw new SyntaxError(`Cannot parse the chat template: ${reason}`, {
        cause: error,
      });
    }
  }

  /**
   * Makes the template of a model: `chat_template` is one template, or several
   * with names, of which the one called `default` is taken, or the only one.
   *
   * @param config The parsed `tokenizer_config.json`.
   * @returns The template, or `null` if the model has none.
   * @throws {TypeError} If `chat_template` is something else, or has no
   * default.
   * @throws {SyntaxError} If it is not a template.
   */
  static fromTokenizerConfig(config: unknown): ChatTemplate | null {
    const value = isRecord(config) ? config.chat_template : undefined;
    if (value === undefined || value === null) return null;
    return new ChatTemplate(pickSource(value), {
      bosToken: specialToken(config, "bos_token"),
      eosToken: specialToken(config, "eos_token"),
      unkToken: specialToken(config, "unk_token"),
      padToken: specialToken(config, "pad_token"),
    });
  }

  /**
   * Makes the prompt for a conversation. It holds the special tokens already,
   * so encode it with `{ addSpecialTokens: false }`.
   *
   * @param messages The turns, oldest first.
   * @param options What else the template is given.
   * @returns The prompt.
   * @throws {Error} If the template refuses the conversation, or fails.
   */
  render(messages: readonly Message[], options: RenderOptions = {}): string {
    const { addGenerationPrompt = false, tools, variables, now } = options;
    const { timeoutMs = TIMEOUT_MS } = options;
    const all: Record<string, unknown> = {
      ...globals(now ?? new Date()),
      ...this.#specialTokens,
      messages,
      tools: tools ?? null,
      documents: null,
      "add_generation_prompt": addGenerationPrompt,
      ...variables,
    };
    try {
      const environment = new Environment();
      for (const [name, value] of Object.entries(all)) {
        environment.set(name, value);
      }
      const interpreter = new BoundedInterpreter(environment, timeoutMs);
      return String(interpreter.run(this.#template.parsed).value);
    } catch (error) {
      // The library believes that values are of the type that it needs.
      const reason = reasonOf(
        error,
        "it does with a value what its type does not allow",
      );
      throw new Error(`Cannot render the chat template: ${reason}`, {
        cause: error,
      });
    }
  }
}

/** Refuses what takes long to parse, for which there is no clock. */
function checkSource(source: string): void {
  const refuse = (state: string, most: number) => {
    throw new SyntaxError(
      `Cannot parse the chat template: it has ${state}, wanted at most ${most}`,
    );
  };
  const { length } = source;
  if (length > MAX_SOURCE_LENGTH) {
    refuse(`${length} characters`, MAX_SOURCE_LENGTH);
  }
  for (const [{ length }] of source.matchAll(/\s+/g)) {
    if (length > MAX_SPACE_LENGTH) {
      refuse(
        `${length} characters of white space in one place`,
        MAX_SPACE_LENGTH,
      );
    }
  }
}

/** What every template may use. */
function globals(now: Date): Record<string, unknown> {
  return {
    true: true,
    false: false,
    none: null,
    True: true,
    False: false,
    None: null,
    range,
    "raise_exception": (message: unknown) => {
      throw new Error(String(message));
    },
    "strftime_now": (format: unknown) => strftime(now, String(format)),
  };
}

/** Python's `range()`, which counts before it makes a list. */
function range(first: number, second?: number | null, step?: number): number[] {
  const isOneSided = second === undefined || second === null;
  const start = isOneSided ? 0 : first;
  const stop = isOneSided ? first : second;
  const stride = step ?? 1;
  const length = Math.max(0, Math.ceil((stop - start) / stride));
  if (!Number.isInteger(length) || length > MAX_RANGE_LENGTH) {
    throw new RangeError(
      `range(${start}, ${stop}, ${stride}) is too long, wanted at most ${MAX_RANGE_LENGTH} numbers`,
    );
  }
  return Array.from({ length }, (_, i) => start + i * stride);
}

function pickSource(value: unknown): string {
  if (typeof value === "string") return value;
  const named = Array.isArray(value) ? value.filter(isRecord) : [];
  const picked = named.find(({ name }) => name === "default") ??
    (named.length === 1 ? named[0] : undefined);
  if (typeof picked?.template === "string") return picked.template;
  const names = named.map(({ name }) => JSON.stringify(name)).join(", ");
  throw new TypeError(
    `Cannot read chat_template: it has ${
      named.length === 0 ? "no text" : `templates ${names}`
    }, wanted a text or a list with one called "default"`,
  );
}

/**
 * What went wrong, in one short line.
 *
 * @param error What was thrown.
 * @param ofType What is meant if it is a TypeError of the engine.
 */
function reasonOf(error: unknown, ofType: string): string {
  if (error instanceof TypeError) return ofType;
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof RangeError && /call stack/.test(text)) {
    return "it is nested too deeply, or calls itself";
  }
  if (error instanceof RangeError && /^Invalid .* length/.test(text)) {
    return "it makes a text or a list that is too long";
  }
  // It may quote what a user said, or a terminal would obey.
  const line = text.replace(/\s+/g, " ").replace(/\p{Cc}/gu, "\uFFFD");
  if (line === "") return "it leaves a loop where there is none";
  return line.length > REASON_LENGTH
    ? `${line.slice(0, REASON_LENGTH).toWellFormed()}…`
    : line;
}
