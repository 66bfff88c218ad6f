/** The files of a quantized model that hold no tensors. */

import { join } from "@std/path";
import { fileError } from "../io/file_error.ts";
import { statPlainFile } from "../io/plain_file.ts";
import { writeAll, writeWhole } from "../io/write_whole.ts";
import type { PlannedFile } from "../model/plan_files.ts";
import type { Part, Quantization } from "../model/quantization.ts";
import { storedQuantization } from "./stored_quantization.ts";

/** Files that go along where the source has them. */
const COPIED = [
  "tokenizer.json",
  "tokenizer_config.json",
  "tokenizer.model",
  "special_tokens_map.json",
  "added_tokens.json",
  "generation_config.json",
  "chat_template.jinja",
  "chat_template.json",
  "LICENSE",
  "LICENSE.txt",
  "LICENSE.md",
  "NOTICE",
];

/**
 * Writes `config.json`, the index if there is more than one file of tensors, and
 * copies of the source's tokenizer and the like.
 *
 * @param source The source's directory.
 * @param directory Where to.
 * @param options The source's `config.json`, how the parts are quantized, and
 * the files of tensors.
 * @throws {Error} If a file cannot be read or written.
 */
export async function writeSideFiles(
  source: string,
  directory: string,
  { configJson, parts, files }: {
    configJson: unknown;
    parts: Readonly<Record<Part, Quantization>>;
    files: readonly PlannedFile[];
  },
): Promise<void> {
  for (const name of COPIED) {
    const bytes = await readIfAny(join(source, name));
    if (bytes !== null) await write(join(directory, name), bytes);
  }
  const encoder = new TextEncoder();
  if (files.length > 1) {
    const index = JSON.stringify(indexOf(files), null, 2) + "\n";
    const path = join(directory, "model.safetensors.index.json");
    await write(path, encoder.encode(index));
  }
  const config = {
    ...configJson as Record<string, unknown>,
    "quantization_config": storedQuantization(parts),
  };
  const text = JSON.stringify(config, null, 2) + "\n";
  await write(join(directory, "config.json"), encoder.encode(text));
}

function indexOf(files: readonly PlannedFile[]): unknown {
  const totalSize = files.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const weightMap = files.flatMap(({ name, items }) =>
    items.flatMap(({ specs }) => specs.map((spec) => [spec.name, name]))
  );
  return {
    metadata: { "total_size": totalSize },
    "weight_map": Object.fromEntries(weightMap),
  };
}

async function readIfAny(path: string): Promise<Uint8Array | null> {
  try {
    await statPlainFile(path);
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw fileError(`read ${path}`, error);
  }
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  await writeWhole(path, (file) => writeAll(file, bytes));
}
