/** The files of a model that are about text. */

import { fileError } from "../io/file_error.ts";
import { readJson } from "../io/json_file.ts";
import { readPlainText } from "../io/plain_file.ts";
import { ChatTemplate } from "../text/chat_template.ts";
import { Tokenizer } from "../text/tokenizer.ts";
import {
  type GenerationDefaults,
  parseGenerationConfig,
} from "./generation_config.ts";

/** What {@linkcode readTextFiles} reads. */
export interface TextFiles {
  /** From `tokenizer.json` and `tokenizer_config.json`; ids need neither. */
  readonly tokenizer: Tokenizer | null;
  /** From `chat_template.jinja` or `tokenizer_config.json`. */
  readonly chatTemplate: ChatTemplate | null;
  /** From `generation_config.json`. */
  readonly defaults: GenerationDefaults;
}

/**
 * Reads tokenizer, chat template and generation settings of a model.
 *
 * @param directory The model's directory.
 * @returns What they hold.
 * @throws {Error} If a file is broken.
 */
export async function readTextFiles(directory: string): Promise<TextFiles> {
  const config = await readJsonIfAny(`${directory}/tokenizer_config.json`) ??
    {};
  const json = await readJsonIfAny(`${directory}/tokenizer.json`);
  const tokenizer = json === undefined
    ? null
    : Tokenizer.fromJson(json as object, config as object);
  const jinja = await readTextIfAny(`${directory}/chat_template.jinja`);
  const chatTemplate = ChatTemplate.fromTokenizerConfig(
    jinja === undefined
      ? config as object
      : { ...config as object, chat_template: jinja },
  );
  const generation = await readJsonIfAny(`${directory}/generation_config.json`);
  const defaults = parseGenerationConfig(generation ?? {});
  if (defaults.eosIds === undefined && tokenizer?.eosId !== undefined) {
    return {
      tokenizer,
      chatTemplate,
      defaults: { ...defaults, eosIds: [tokenizer.eosId] },
    };
  }
  return { tokenizer, chatTemplate, defaults };
}

async function readJsonIfAny(path: string): Promise<unknown> {
  return await exists(path) ? await readJson(path) : undefined;
}

async function readTextIfAny(path: string): Promise<string | undefined> {
  if (!await exists(path)) return undefined;
  try {
    return await readPlainText(path);
  } catch (error) {
    throw fileError(`read ${path}`, error);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw fileError(`read ${path}`, error);
  }
}
