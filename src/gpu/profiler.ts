/** Times each dispatch of a model by timestamp queries. */

import type { Gpu } from "./device.ts";
import { type Cost, type Encodable, type Leaf, leavesOf } from "./encodable.ts";
import { type PhaseName, Profile } from "./profile.ts";
import type { Readback } from "./readback.ts";

/** Queries of a set: the most that WebGPU allows. */
const QUERY_COUNT = 4096;
/** Bytes of a timestamp. */
const TIME_BYTE_LENGTH = 8;
/** Queries begin anew at multiples of it: resolved ones lie at multiples of 256. */
const QUERY_STEP = 256 / TIME_BYTE_LENGTH;

/** A dispatch whose time is in two queries, one after the other. */
interface Timed {
  readonly setIndex: number;
  readonly query: number;
  readonly phase: PhaseName;
  readonly role: string;
  readonly kernel: string;
  readonly cost: Cost;
}

/** The dispatches of a command encoder. */
export type TimedBatch = Timed[];

/**
 * Times dispatches. WebGPU has timestamps at the ends of compute passes only, so each
 * dispatch gets a pass of its own. Sets of queries are made as they are needed: no
 * step is too long.
 */
export class Profiler implements Disposable {
  /** What was timed so far. */
  readonly profile: Profile = new Profile();
  readonly #device: GPUDevice;
  readonly #readback: Readback;
  readonly #resolved: GPUBuffer;
  readonly #sets: GPUQuerySet[] = [];
  /** The next query that nobody has. */
  #next = { setIndex: 0, query: 0 };
  /** Dispatches that were submitted and whose times are yet to be read. */
  #submitted: Timed[] = [];
  #phase: PhaseName = "prefill";
  /** From when on the host's time is not counted yet. */
  #mark = 0;

  private constructor(device: GPUDevice, readback: Readback) {
    this.#device = device;
    this.#readback = readback;
    this.#resolved = device.createBuffer({
      label: "timestamps",
      size: QUERY_COUNT * TIME_BYTE_LENGTH,
      usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    });
  }

  /**
   * Makes a profiler.
   *
   * @param gpu The GPU.
   * @returns The profiler.
   * @throws {Error} If the GPU has no timestamps.
   */
  static async create(
    gpu: Pick<Gpu, "device" | "name" | "readback">,
  ): Promise<Profiler> {
    if (!gpu.device.features.has("timestamp-query")) {
      throw new Error(
        `Cannot profile: ${gpu.name} has no timestamps, wanted an adapter with WebGPU's timestamp-query`,
      );
    }
    const readback = await gpu.readback(QUERY_COUNT * TIME_BYTE_LENGTH);
    return new Profiler(gpu.device, readback);
  }

  /**
   * Begins a step, or some steps of one token each.
   *
   * @param phase Of which phase.
   * @param tokenCount How many tokens it has.
   * @param stepCount How many steps.
   */
  beginStep(phase: PhaseName, tokenCount: number, stepCount: number): void {
    const now = performance.now();
    // The last step may have ended without a read: then it runs on.
    if (this.#submitted.length > 0) this.#countWall(now);
    else this.#next = { setIndex: 0, query: 0 };
    this.#mark = now;
    this.#phase = phase;
    this.profile.addTokens(phase, tokenCount, stepCount);
  }

  /**
   * Begins the dispatches of a command encoder.
   *
   * @returns None yet.
   */
  beginBatch(): TimedBatch {
    const { query } = this.#next;
    this.#next.query = Math.ceil(query / QUERY_STEP) * QUERY_STEP;
    return [];
  }

  /**
   * Records an op, taken apart, in passes.
   *
   * @param commands The command encoder, outside of a pass.
   * @param batch Its dispatches.
   * @param what The op, how many tokens the step has, and where the first stands.
   */
  record(
    commands: GPUCommandEncoder,
    batch: TimedBatch,
    { op, ...step }: {
      readonly op: Encodable;
      readonly tokenCount: number;
      readonly position: number | undefined;
    },
  ): void {
    const { tokenCount, position } = step;
    for (const leaf of leavesOf(op, step)) {
      const cost = leaf.op.cost?.(tokenCount, position) ?? {};
      const pass = commands.beginComputePass({
        timestampWrites: this.#add(batch, leaf, cost),
      });
      leaf.op.encode(pass, tokenCount, position);
      pass.end();
    }
  }

  #add(
    batch: TimedBatch,
    { role, op }: Leaf,
    cost: Cost,
  ): GPUComputePassTimestampWrites {
    if (this.#next.query === QUERY_COUNT) {
      this.#next = { setIndex: this.#next.setIndex + 1, query: 0 };
    }
    const { setIndex, query } = this.#next;
    this.#next.query += 2;
    const phase = this.#phase;
    batch.push({ setIndex, query, phase, role, kernel: op.name, cost });
    const querySet = this.#sets[setIndex] ??= this.#device.createQuerySet({
      label: "times of kernels",
      type: "timestamp",
      count: QUERY_COUNT,
    });
    return {
      querySet,
      beginningOfPassWriteIndex: query,
      endOfPassWriteIndex: query + 1,
    };
  }

  /**
   * Hears that dispatches were submitted: they will have times.
   *
   * @param batch The dispatches.
   */
  submitted(batch: TimedBatch): void {
    for (const timed of batch) this.#submitted.push(timed);
  }

  /** Reads the times of all that was submitted; the GPU is done with it. */
  async collect(): Promise<void> {
    this.#countWall(performance.now());
    const all = Map.groupBy(this.#submitted, ({ setIndex }) => setIndex);
    this.#submitted = [];
    for (const [setIndex, timed] of all) {
      await this.#read(this.#sets[setIndex]!, timed);
    }
    this.#mark = performance.now();
  }

  /** Frees the buffers. */
  [Symbol.dispose](): void {
    this.#readback[Symbol.dispose]();
    this.#resolved.destroy();
    for (const set of this.#sets) set.destroy();
  }

  /** Reads times that lie in one set, where each was written. */
  async #read(set: GPUQuerySet, timed: readonly Timed[]): Promise<void> {
    const commands = this.#device.createCommandEncoder();
    // Never what no pass has written: the GPU would wait for it.
    for (const { first, end } of runsOf(timed)) {
      const at = first * TIME_BYTE_LENGTH;
      commands.resolveQuerySet(set, first, end - first, this.#resolved, at);
    }
    const size = QUERY_COUNT * TIME_BYTE_LENGTH;
    const bytes = await this.#readback.read(commands, this.#resolved, size);
    const times = new BigUint64Array(bytes);
    for (const { query, ...call } of timed) {
      const ns = Number(times[query + 1]! - times[query]!);
      this.profile.addCall({ ...call, ms: Math.max(0, ns) / 1e6 });
    }
  }

  #countWall(now: number): void {
    this.profile.addWall(this.#phase, now - this.#mark);
    this.#mark = now;
  }
}

/** Queries that follow each other, as they were handed out. */
function runsOf(timed: readonly Timed[]): { first: number; end: number }[] {
  const runs: { first: number; end: number }[] = [];
  const sorted = timed.toSorted((a, b) => a.query - b.query);
  for (const { query } of sorted) {
    const last = runs.at(-1);
    if (last?.end === query) last.end = query + 2;
    else runs.push({ first: query, end: query + 2 });
  }
  return runs;
}
