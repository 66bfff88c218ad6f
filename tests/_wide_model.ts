/** A whole model through the kernels that only GPUs take, wherever this runs. */

import { loadModel } from "../src/engine/load_model.ts";
import type { LoadOptions } from "../src/engine/load_options.ts";
import { openSource } from "../src/engine/model_source.ts";
import { Gpu } from "../src/gpu/device.ts";
import type { KernelSource } from "../src/gpu/kernel.ts";
import type { Mixtral } from "../src/model/mixtral.ts";
import { editKernels, settle, STRIPS } from "./_gpu.ts";
import { lendGpu } from "./_shared_gpu.ts";

/** Sizes that strips read, and heads that fit subgroups of 8. */
export const WIDE_CONFIG = {
  "hidden_size": 64,
  "intermediate_size": 128,
  "head_dim": 32,
  "num_local_experts": 5,
};

/** Bits and groups that strips read. */
export const WIDE_OPTIONS: LoadOptions = {
  attnBits: 4,
  attnGroupSize: 16,
  attnScaleGroupSize: 8,
  expertBits: 2,
  expertGroupSize: 16,
  expertScaleGroupSize: 8,
};

/**
 * Lends a model, loaded in some way; on a GPU of its own if kernels are edited.
 *
 * @param directory The checkpoint.
 * @param options How to load it, and what to compile for a WGSL file.
 * @param fn What to do with it; gets the names of the files that were compiled.
 * @returns What that returns.
 */
export async function withWideModel<T>(
  directory: string,
  { edit, ...options }: LoadOptions & {
    edit?: (source: KernelSource) => KernelSource;
  },
  fn: (model: Mixtral, compiled: ReadonlySet<string>) => Promise<T>,
): Promise<T> {
  try {
    using source = await openSource(directory);
    using gpu = await (edit ? Gpu.open : lendGpu)(STRIPS);
    const compiled = new Set<string>();
    using _edited = editKernels(gpu, (source) => {
      compiled.add(source.name);
      return edit ? edit(source) : source;
    });
    const { config } = source;
    const reader = source.reader(options);
    const loaded = await loadModel(gpu, { config, reader, options });
    using model = loaded.model;
    return await fn(model, compiled);
  } finally {
    await settle();
  }
}

/**
 * Computes the logits of all tokens, the first `prompt` at once and the rest one by
 * one.
 *
 * @param model The model.
 * @param ids The tokens.
 * @param prompt How many of them run at once.
 * @returns The logits (ids.length, vocabSize).
 */
export async function logitsOf(
  model: Mixtral,
  ids: readonly number[],
  prompt: number,
): Promise<Float32Array> {
  const { vocabSize } = model.config;
  const logits = new Float32Array(ids.length * vocabSize);
  let at = 0;
  if (prompt > 0) {
    for await (const rows of model.forwardAll(ids.slice(0, prompt), 0)) {
      logits.set(rows, at);
      at += rows.length;
    }
  }
  for (let i = prompt; i < ids.length; i++, at += vocabSize) {
    logits.set(await model.forward([ids[i]!], i), at);
  }
  return logits;
}
