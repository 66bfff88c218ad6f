/** Quantized tiny models in tests. */

import { assertEquals } from "@std/assert";
import type { QuantizeModelOptions } from "../mod.ts";
import { Checkpoint } from "../src/io/checkpoint.ts";
import { readJson } from "../src/io/json_file.ts";
import { parseConfig } from "../src/model/config.ts";
import { readStoredLayout } from "../src/model/read_stored_layout.ts";
import { matricesOf } from "../src/model/matrices.ts";
import { WeightReader } from "../src/model/weight_reader.ts";
import { quantizeParts } from "../src/engine/quantize_options.ts";
import { readQuantizationFiles } from "../src/engine/stored_quantization.ts";

/** Groups that fit the matrices of `tinyCheckpoint()`. */
export const TINY_GROUPS = {
  groupSize: 16,
  attnScaleGroupSize: 16,
  expertScaleGroupSize: 16,
} as const;

/**
 * Reads all files of a directory.
 *
 * @param directory The directory, which has no folders.
 * @returns Names, and the bytes as text, so that a difference is one line.
 */
export function filesOf(directory: string): Record<string, string> {
  const names = [...Deno.readDirSync(directory)].map(({ name }) => name);
  return Object.fromEntries(
    names.sort().map((name) => {
      const bytes = Deno.readFileSync(`${directory}/${name}`);
      return [name, `${bytes.length} bytes: ${bytes.toBase64()}`];
    }),
  );
}

/**
 * Fails unless two directories hold the same files, to the byte.
 *
 * @param actual A directory.
 * @param expected Another.
 */
export function assertSameFiles(actual: string, expected: string): void {
  const [a, b] = [filesOf(actual), filesOf(expected)];
  assertEquals(Object.keys(a), Object.keys(b));
  for (const name of Object.keys(a)) {
    // assertEquals would print both files.
    if (a[name] !== b[name]) throw new Error(`${name} differs`);
  }
}

/**
 * Reads a model as `load()` does, up to the bytes that go to the GPU.
 *
 * @param directory The model.
 * @param options How to quantize it on the way; none for one that is quantized.
 * @returns The bytes of each matrix that can be quantized, and those of the
 * other tensors.
 */
export async function loadedBytes(
  directory: string,
  options?: QuantizeModelOptions,
): Promise<{ matrices: Map<string, Uint8Array>; others: Map<string, string> }> {
  using checkpoint = await Checkpoint.open(directory);
  const json = await readJson(`${directory}/config.json`);
  const config = parseConfig(json, directory);
  const evidence = await readQuantizationFiles(directory, json);
  const stored = await readStoredLayout(checkpoint, config, evidence);
  const wanted = options === undefined ? {} : quantizeParts(options, stored);
  const reader = new WeightReader(checkpoint, { stored, wanted });
  const matrices = new Map<string, Uint8Array>();
  const bases: string[] = [];
  for (const part of ["attn", "experts"] as const) {
    for (const { base, shape } of matricesOf(config, part)) {
      const layout = reader.layout(base, shape, part);
      const bytes = new Uint8Array(layout.wordCount * 4);
      await reader.write(base, layout, bytes);
      matrices.set(`${base} ${JSON.stringify(layout.scheme)}`, bytes);
      bases.push(`${base}.`);
    }
  }
  const others = new Map<string, string>();
  for (const name of checkpoint.names()) {
    if (bases.some((base) => name.startsWith(base))) continue;
    const { dtype, shape } = checkpoint.info(name);
    const bytes = await checkpoint.read(name);
    others.set(`${name} ${dtype} ${shape}`, bytes.toBase64());
  }
  return { matrices, others };
}
