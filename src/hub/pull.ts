/**
 * Fetching a model from a hub.
 *
 * @module
 */
import { dirname, join } from "@std/path";
import { homeFolder } from "../io/home.ts";
import { readJson } from "../io/json_file.ts";
import { makeWritable } from "../io/make_writable.ts";
import { PartDirectory } from "../io/part_directory.ts";
import { adoptFiles } from "./adopt_files.ts";
import { checkedToken } from "./checked_token.ts";
import { checkSpace } from "./check_space.ts";
import { fetchFiles } from "./fetch_files.ts";
import { freeByteLength } from "./free_space.ts";
import { HubClient } from "./hub_client.ts";
import { defaultEndpoint, findToken } from "./hub_environment.ts";
import { listModel } from "./hub_listing.ts";
import {
  type ModelReference,
  parseEndpoint,
  parseModelReference,
} from "./model_reference.ts";
import type { HubFile, PulledModel } from "./models_folder.ts";
import { type PlannedPull, planPull, RESERVED } from "./plan_pull.ts";
import type { PullOptions, PullResult } from "./pull_options.ts";
import { ProgressCount } from "./pull_progress.ts";
import type { PullState } from "./pull_state.ts";
import { writePulledModel } from "./pulled_model.ts";
import { retrying, wait } from "./retry.ts";

/** What a pull depends on besides a hub; tests have their own. */
export interface PullSurroundings {
  /** Waits for some milliseconds, or until the signal. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Asks how many bytes may be written below a path; `null`: unknown. */
  readonly freeByteLength: (path: string) => Promise<number | null>;
  /** Milliseconds without a byte after which a request has failed. */
  readonly stallMs: number;
}

const REAL: PullSurroundings = { wait, freeByteLength, stallMs: 30_000 };

/** How often what is there is noted: so much is lost if the process is killed. */
const SAVE_MS = 500;

/**
 * Fetches a model from Hugging Face, or a hub like it, to where `load()` finds
 * it. It appears there when it is whole and every hash is right; at whatever
 * point a run ends, the next goes on. A model that is here is brought up to date:
 * of files that are the same nothing is fetched.
 *
 * @param model `owner/name`, `owner/name@revision`, or the address of its page.
 * @param options Where from, which files, and who is told.
 * @returns Where it lies, and what was done.
 * @throws {SyntaxError} If the name is none.
 * @throws {Error} If it cannot be had or not be written.
 *
 * @example
 * ```ts ignore
 * import { load, pull } from "../../mod.ts";
 *
 * const { directory } = await pull("mistralai/Mixtral-8x7B-Instruct-v0.1", {
 *   onFile: ({ path }) => console.error(path),
 * });
 * using engine = await load(directory);
 * ```
 */
export async function pull(
  model: string,
  options: PullOptions = {},
): Promise<PullResult> {
  return await pullIn(model, options, REAL);
}

/**
 * Fetches a model, with surroundings of one's own.
 *
 * @param model As for {@linkcode pull}.
 * @param options As for {@linkcode pull}.
 * @param surroundings What it depends on besides a hub.
 * @returns As for {@linkcode pull}.
 */
export async function pullIn(
  model: string,
  options: PullOptions,
  surroundings: PullSurroundings,
): Promise<PullResult> {
  const startMs = performance.now();
  const { signal = new AbortController().signal, onRetry } = options;
  const endpoint = parseEndpoint(options.endpoint ?? defaultEndpoint());
  const { revision } = options;
  const reference = parseModelReference(model, {
    endpoint,
    ...revision !== undefined && { revision },
  });
  const home = options.home ?? homeFolder();
  if (home === null) {
    throw new Error(
      `Cannot pull ${reference.owner}/${reference.name}: the system does not say where caches are, wanted MOENO_HOME set to a folder`,
    );
  }
  const { token = findToken() } = options;
  using client = new HubClient({
    reference,
    // Whoever sends an address to someone is not to get their token.
    token: reference.endpoint === endpoint
      ? checkedToken(token, endpoint)
      : null,
    stallMs: surroundings.stallMs,
  });
  const retry = { signal, wait: surroundings.wait, onRetry };
  const listing = await listModel(client, reference, {
    signal,
    // Whoever has no network is to hear of it soon.
    retry: (action, get) => retrying(get, { ...retry, action, maxTries: 4 }),
  });
  const planned = await planPull(reference, listing, { ...options, home });
  const { plan } = planned;
  options.onPlan?.(plan);
  const source: PulledModel = {
    ...{ owner: reference.owner, name: reference.name },
    revision: reference.revision,
    endpoint: reference.endpoint,
    commit: plan.commit,
    pulledAt: new Date().toISOString(),
    files: plan.files,
  };
  const isIdle = options.isDryRun || plan.isHere;
  const receivedByteLength = isIdle ? 0 : await run(
    { planned, source, reference },
    { client, retry, options, surroundings },
  );
  return {
    directory: plan.directory,
    outcome: plan.isHere
      ? "unchanged"
      : options.isDryRun
      ? "dry run"
      : planned.earlier === null
      ? "pulled"
      : "updated",
    source: plan.isHere ? planned.earlier! : source,
    byteLength: plan.byteLength,
    receivedByteLength,
    skipped: plan.skipped.map(({ path }) => path),
    timeMs: performance.now() - startMs,
  };
}

/** Fetches what is missing; returns how many bytes came. */
async function run(
  { planned: { plan, earlier }, source, reference }: {
    planned: PlannedPull;
    source: PulledModel;
    reference: ModelReference;
  },
  { client, retry, options, surroundings }: {
    client: HubClient;
    retry: Parameters<typeof fetchFiles>[1]["retry"];
    options: PullOptions;
    surroundings: PullSurroundings;
  },
): Promise<number> {
  const { directory, commit, files } = plan;
  const { force = false, connectionCount = 8 } = options;
  await makeWritable(dirname(directory), "another folder in MOENO_HOME");
  using place = await PartDirectory.open(directory, {
    // Files are known by their content: of whatever commit they are, they fit.
    manifest: { pull: "moeno" },
    force: true,
  });
  const state = await adoptFiles(files, {
    directory: place.path,
    commit,
    earlier: earlier === null || force ? null : { directory, source: earlier },
    reserved: RESERVED,
  });
  await checkSpace(files, {
    ...{ id: `${reference.owner}/${reference.name}`, state },
    directory: place.path,
    freeByteLength: surroundings.freeByteLength,
  });
  const progress = new ProgressCount(files, { state, ...options });
  const { endpoint, owner, name, revision } = reference;
  const at = encodeURIComponent(commit ?? revision);
  const urlOf = ({ path }: HubFile) =>
    `${endpoint}/${owner}/${name}/resolve/${at}/${
      path.split("/").map(encodeURIComponent).join("/")
    }`;
  const fetching = {
    ...{ client, retry, state, commit, connectionCount, urlOf },
    directory: place.path,
    onBytes: progress.received,
    onCheck: progress.checking,
    onDone: progress.done,
    onWrong: (file: HubFile, reason: string) => {
      const action = `fetch ${file.path}`;
      options.onRetry?.({ action, reason, waitMs: 0 });
    },
  };
  const config = files.filter(({ path }) => path === "config.json");
  if (options.checkConfig !== undefined && config.length > 0) {
    await saving(state, () => fetchFiles(config, fetching));
    const json = await readJson(join(place.path, "config.json"));
    try {
      options.checkConfig(json);
    } catch (error) {
      await place.discard();
      throw error;
    }
  }
  await saving(state, () => fetchFiles(files, fetching));
  await writePulledModel(place.path, source);
  await state.remove();
  await place.finish();
  return progress.receivedByteLength;
}

/** Does something, and writes down now and then how far it is. */
async function saving(
  state: PullState,
  work: () => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  const saver = (async () => {
    while (!signal.aborted) {
      await wait(SAVE_MS, signal);
      await state.save();
    }
  })();
  // Told of below, but not to be one that nobody looks at until then.
  saver.catch(() => {});
  try {
    await work();
  } finally {
    controller.abort();
    await saver;
  }
}
