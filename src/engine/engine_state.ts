/**
 * The state of an engine in a file: which ids have run, and their keys and values,
 * so that a conversation goes on without running its prompt again.
 *
 * Nothing says beforehand whether keys and values are good for a model: other
 * weights of the same shape, another GPU or other kernels would take them, and go
 * on wrongly or in other digits. So one more token is run, both before the state is
 * written and after it is read, and its logits must be the same to the last bit.
 */

import { forEachParallel } from "../io/for_each_parallel.ts";
import { OpenFiles } from "../io/open_files.ts";
import { writeSafetensors } from "../io/safetensors_writer.ts";
import { Shard } from "../io/shard.ts";
import { tensorByteLength } from "../io/tensor_spec.ts";
import type { Mixtral } from "../model/mixtral.ts";
import type { ChatHistory } from "./chat_history.ts";
import type { Sequence } from "./sequence.ts";
import { sharedLength } from "./shared_length.ts";
import {
  parseState,
  type StateHeader,
  stateMetadata,
  type StateShape,
  stateTensors,
} from "./state_file.ts";

/** Tensors that are read at the same time. */
const READ_LIMIT = 4;

/** What an engine keeps of what has run. */
export interface EngineMemory {
  /** The name of the model. */
  readonly name: string;
  /** The model with its keys and values. */
  readonly model: Mixtral;
  /** The ids that they are of. */
  readonly sequence: Sequence;
  /** The turns that were made of such ids. */
  readonly history: ChatHistory;
}

/** What was written or read. */
export interface StateInfo {
  /** How many tokens have run. */
  readonly tokenCount: number;
  /** Bytes of their keys and values. */
  readonly byteLength: number;
}

/**
 * Writes what has run to a file, which appears when it is whole.
 *
 * @param path The file to make or to replace.
 * @param memory What the engine keeps.
 * @param prompt Ids: only what they begin with is written, and the rest is forgotten.
 * By default all.
 * @returns How much it was.
 * @throws {Error} If nothing has run, the context is full, or the file cannot be
 * written.
 */
export async function writeState(
  path: string,
  { name, model, sequence, history }: EngineMemory,
  prompt: readonly number[] = sequence.ids,
): Promise<StateInfo> {
  using _hold = sequence.hold();
  const ids = sequence.ids.slice(0, sharedLength(sequence.ids, prompt));
  if (ids.length === 0) {
    throw new Error("Cannot save state: nothing has run yet");
  }
  if (ids.length >= model.contextLength) {
    throw new Error(
      `Cannot save state: the context of ${model.contextLength} tokens is full`,
    );
  }
  sequence.truncate(ids.length); // the check writes behind them
  const check = await checkOf(model, ids);
  using reader = await model.kv.reader(ids.length);
  const tensors = stateTensors(ids.length, shapeOf(model));
  await writeSafetensors(
    path,
    tensors.map(({ layer, part, ...spec }) => ({
      ...spec,
      bytes: () => reader.read(layer, part),
    })),
    stateMetadata({ model: name, ids, turns: history.turnsOf(ids), check }),
    { isPrivate: true }, // what was said is in it
  );
  return infoOf(ids, model);
}

/**
 * Reads what {@linkcode writeState} wrote in place of what has run so far.
 *
 * @param path The file.
 * @param memory What the engine keeps.
 * @returns How much it was.
 * @throws {Error} If the file cannot be read, holds no state, or that of another
 * model, device or setting. If keys and values were read already, the engine has
 * forgotten what had run.
 */
export async function readState(
  path: string,
  { model, sequence, history }: EngineMemory,
): Promise<StateInfo> {
  using _hold = sequence.hold();
  using files = new OpenFiles();
  const shard = await Shard.open(path, files);
  const shape = shapeOf(model);
  const state = parseState(shard.header, shape, path);
  const { ids, turns, check } = state;
  sequence.clear();
  await forEachParallel(stateTensors(ids.length, shape), {
    limit: READ_LIMIT,
    run: async ({ layer, part, ...spec }) => {
      const bytes = new Uint8Array(tensorByteLength(spec));
      await shard.read(shard.header.tensors.get(spec.name)!.begin, bytes);
      model.kv.write(layer, part, bytes);
    },
  });
  if (await checkOf(model, ids) !== check) {
    throw new Error(describeOther(path, state));
  }
  for (const id of ids) sequence.accept(id);
  for (const turn of turns) history.remember(turn);
  return infoOf(ids, model);
}

function describeOther(path: string, { model }: StateHeader): string {
  return `Cannot load state from ${path}: keys and values of ${model} give other logits here; the model, its bits, the GPU or its tuning is another`;
}

/**
 * Runs the last id once more, behind all others, where the next prompt will write
 * anyway.
 *
 * @returns The hash of the logits.
 */
async function checkOf(
  model: Mixtral,
  ids: readonly number[],
): Promise<string> {
  const logits = await model.forward([ids.at(-1)!], ids.length);
  const digest = await crypto.subtle.digest("SHA-256", logits);
  return new Uint8Array(digest).toHex();
}

function shapeOf({ kv, contextLength, config }: Mixtral): StateShape {
  const { layerCount, width } = kv;
  return { layerCount, width, contextLength, vocabSize: config.vocabSize };
}

function infoOf(ids: readonly number[], { kv }: Mixtral): StateInfo {
  return {
    tokenCount: ids.length,
    byteLength: ids.length * kv.positionByteLength,
  };
}
