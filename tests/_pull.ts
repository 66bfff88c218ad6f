/** Pulls from a hub of this process, with faults, without waiting. */

import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import type { PullOptions, PullResult } from "../mod.ts";
import { pullIn, type PullSurroundings } from "../src/hub/pull.ts";
import {
  type Files,
  HubServer,
  type HubServerOptions,
  madeUpFiles,
} from "./_hub_server.ts";
import { Random } from "./_random.ts";
import { tempDirectory } from "./_tiny_checkpoint.ts";

/** The model of {@linkcode madeUpFiles} that every lab publishes. */
export const MODEL = "owner/name";

/** A hub, a place to pull to, and what was waited for. */
export interface PullLab extends AsyncDisposable {
  readonly hub: HubServer;
  readonly files: Record<string, Uint8Array<ArrayBuffer>>;
  /** Where the model is to lie. */
  readonly directory: string;
  /** Our folder. */
  readonly home: string;
  /** Milliseconds of each wait between tries. */
  readonly waits: number[];
  /** Why something was tried again. */
  readonly reasons: string[];
  /** Pulls the model. */
  pull(
    options?: PullOptions,
    surroundings?: Partial<PullSurroundings>,
  ): Promise<PullResult>;
}

/** The same for all labs: to make them up takes longer than to pull them. */
const FILES = madeUpFiles(randomBytes(new Random(1)));

/**
 * Starts a hub with a made-up model.
 *
 * @param options What it does wrong.
 * @returns The lab.
 */
export function pullLab(options: HubServerOptions = {}): PullLab {
  const files = { ...FILES };
  const hub = new HubServer(options);
  hub.publish(MODEL, files);
  const place = tempDirectory();
  const waits: number[] = [];
  const reasons: string[] = [];
  return {
    ...{ hub, files, waits, reasons, home: place.path },
    directory: `${place.path}/models/${MODEL}`,
    pull: (options = {}, surroundings = {}) =>
      pullIn(MODEL, {
        endpoint: hub.endpoint,
        home: place.path,
        token: null,
        onRetry: ({ action, reason }) => reasons.push(`${action}: ${reason}`),
        ...options,
      }, {
        wait: (ms) => {
          waits.push(ms);
          return Promise.resolve();
        },
        freeByteLength: () => Promise.resolve(null),
        stallMs: 60_000,
        ...surroundings,
      }),
    async [Symbol.asyncDispose]() {
      await hub[Symbol.asyncDispose]();
      place[Symbol.dispose]();
    },
  };
}

/**
 * Makes up bytes.
 *
 * @param random Where they come from.
 * @returns Makes so many.
 */
export function randomBytes(
  random: Random,
): (byteLength: number) => Uint8Array<ArrayBuffer> {
  return (byteLength) => {
    const words = new Uint32Array(Math.ceil(byteLength / 4))
      .map(() => random.integer(2 ** 32));
    return new Uint8Array(words.buffer, 0, byteLength);
  };
}

/** The paths of {@linkcode madeUpFiles} that are fetched. */
export const CHOSEN = [
  "config.json",
  "generation_config.json",
  "model-00001-of-00002.safetensors",
  "model-00002-of-00002.safetensors",
  "model.safetensors.index.json",
  "special_tokens_map.json",
  "tokenizer.json",
];

/**
 * Fails unless a directory holds a model, whole and right, and nothing else.
 *
 * @param directory The directory.
 * @param files What the hub has.
 * @param chosen The paths that are to be there.
 */
export async function assertPulled(
  directory: string,
  files: Files,
  chosen: readonly string[] = CHOSEN,
): Promise<void> {
  assertEquals(
    await listing(directory),
    ["moeno-source.json", ...chosen].sort(),
  );
  const hash = (bytes: Uint8Array) =>
    createHash("sha256").update(bytes).digest("hex");
  for (const path of chosen) {
    const found = await Deno.readFile(`${directory}/${path}`);
    assertEquals(hash(found), hash(files[path]!), path);
  }
}

/**
 * Lists the files below a directory.
 *
 * @param directory The directory.
 * @returns Paths with slashes, sorted; none if there is no directory.
 */
export async function listing(directory: string): Promise<string[]> {
  const paths: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(directory)) {
      const below = isDirectory ? await listing(`${directory}/${name}`) : [];
      paths.push(...isDirectory ? below.map((it) => `${name}/${it}`) : [name]);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return paths.sort();
}
