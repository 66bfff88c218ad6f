/** The commands of a step, which may be read back from on the way. */

import type { Gpu } from "./device.ts";
import type { Encodable } from "./encodable.ts";
import type { Profiler, TimedBatch } from "./profiler.ts";
import type { Readback, Slice } from "./readback.ts";

/** Milliseconds of the host by what it did for the GPU. */
export interface RecorderTimes {
  /** Recording commands, from the first of a pass to its end. */
  encode: number;
  /** Handing commands to the queue. */
  submit: number;
  /** Waiting for the GPU, and copying what it gives. */
  readback: number;
  /**
   * From the end of a read to the end of the next submit: the GPU has nothing to
   * do meanwhile.
   */
  idle: number;
}

/** Commands that are whole, and what of them is timed. */
interface Finished {
  readonly commands: GPUCommandBuffer;
  readonly timed: TimedBatch;
}

/** Ops that depend on nothing that the host has yet to decide. */
export type Section = () => void;

/**
 * Records ops into compute passes, and submits them.
 *
 * What comes after a read can be recorded ahead, while the GPU works on what was
 * submitted: see {@linkcode Recorder.next}.
 *
 * Nothing of it outlives a step; command encoders are the one kind of object
 * that WebGPU makes anew for each submit.
 */
export class Recorder {
  readonly #gpu: Gpu;
  readonly #readback: Readback;
  /** Times each op in a pass of its own; `null` if nobody wants to know. */
  readonly #profiler: Profiler | null;
  #timed: TimedBatch = [];
  #commands: GPUCommandEncoder | null = null;
  #pass: GPUComputePassEncoder | null = null;
  /** Finished commands, to be submitted in order. */
  #finished: Finished[] = [];
  /** The copies that the last of the finished commands end with. */
  #copies: readonly Slice[] = [];
  /** A section that was recorded ahead. */
  #ahead: {
    section: Section;
    finished: Finished;
    copies: readonly Slice[];
  } | null = null;
  #encodeStart = 0;
  /**
   * Called after each op, to record what may run beside it: copies that touch
   * none of its buffers.
   */
  beside: (() => void) | null = null;
  /**
   * The section that comes after the next read's decisions. If there is one, the
   * read records it before it waits, with the same copies at its end.
   */
  next: Section | null = null;
  /** Where the first token of the step stands, which ops hear of. */
  position: number | undefined;
  /** How many times commands were submitted. */
  submitCount = 0;
  /** Where the host's time went so far. */
  readonly timeMs: RecorderTimes = {
    encode: 0,
    submit: 0,
    readback: 0,
    idle: 0,
  };
  #readEnd: number | null = null;

  /**
   * Constructs a recorder with nothing in it.
   *
   * @param gpu The GPU.
   * @param readback What reads are made through.
   * @param options Where the first token of the step stands, if that is known, and
   * who times the ops, if anybody does.
   */
  constructor(
    gpu: Gpu,
    readback: Readback,
    { position, profiler = null }: {
      readonly position?: number | undefined;
      readonly profiler?: Profiler | null | undefined;
    } = {},
  ) {
    this.#gpu = gpu;
    this.#readback = readback;
    this.#profiler = profiler;
    this.position = position;
  }

  #begun(): GPUCommandEncoder {
    if (this.#commands === null) {
      this.#encodeStart = performance.now();
      this.#commands = this.#gpu.device.createCommandEncoder();
      if (this.#profiler) this.#timed = this.#profiler.beginBatch();
    }
    return this.#commands;
  }

  /**
   * Records an op, and what goes beside it.
   *
   * @param op The op.
   * @param tokenCount How many tokens the step has.
   */
  run(op: Encodable, tokenCount: number): void {
    this.record(op, tokenCount);
    this.beside?.();
  }

  /**
   * Records an op, and nothing beside it.
   *
   * @param op The op.
   * @param tokenCount How many tokens the step has.
   */
  record(op: Encodable, tokenCount: number): void {
    const { position } = this;
    if (this.#profiler !== null) {
      const commands = this.#begun();
      const step = { tokenCount, position };
      return this.#profiler.record(commands, this.#timed, { op, ...step });
    }
    this.#pass ??= this.#begun().beginComputePass();
    op.encode(this.#pass, tokenCount, position);
  }

  /**
   * Records a copy between two ops, which ends the pass: for what a pass cannot
   * do, such as writing a uniform.
   *
   * @param source The buffer to copy from.
   * @param target The buffer to copy to.
   * @param range Which bytes of the source, and where they go, in multiples of 4.
   */
  copy(
    source: GPUBuffer,
    target: GPUBuffer,
    range: {
      readonly byteOffset: number;
      readonly byteLength: number;
      /** @default {0} */
      readonly targetOffset?: number;
    },
  ): void {
    const { byteOffset, byteLength, targetOffset = 0 } = range;
    const commands = this.#begun();
    this.#pass?.end();
    this.#pass = null;
    commands.copyBufferToBuffer(
      source,
      byteOffset,
      target,
      targetOffset,
      byteLength,
    );
  }

  /**
   * Records a section, or takes it as it was recorded ahead.
   *
   * @param section The section.
   */
  section(section: Section): void {
    const ahead = this.#ahead;
    this.#ahead = null;
    this.next = null;
    if (ahead?.section !== section) return section();
    // One submit with what was decided: each takes longer than what it would gain.
    this.#finish([]);
    this.#finished.push(ahead.finished);
    this.#copies = ahead.copies;
  }

  /** Submits what has been recorded. */
  submit(): void {
    this.#finish([]);
    if (this.#finished.length > 0) this.#submit();
  }

  /**
   * Submits what has been recorded, waits for it, and reads.
   *
   * @param slices What to read, in order.
   * @returns The bytes of all slices, one after the other.
   */
  async read(slices: readonly Slice[]): Promise<ArrayBuffer> {
    if (this.#commands !== null || !areEqual(slices, this.#copies)) {
      this.#begun(); // there may be nothing to run, but there is something to copy
      this.#finish(slices);
    }
    const byteLength = slices.reduce((sum, slice) => sum + slice.byteLength, 0);
    return await this.#wait({ byteLength, copies: slices });
  }

  /**
   * Submits what has been recorded, waits for it, and reads what a kernel wrote to
   * host memory.
   *
   * @param direct A buffer of `Readback.direct`.
   * @param byteLength How many bytes of it.
   * @returns The bytes.
   */
  async readDirect(
    direct: GPUBuffer,
    byteLength: number,
  ): Promise<ArrayBuffer> {
    this.#finish([]);
    return await this.#wait({ byteLength, copies: [], direct });
  }

  async #wait({ byteLength, copies, direct }: {
    byteLength: number;
    copies: readonly Slice[];
    direct?: GPUBuffer;
  }): Promise<ArrayBuffer> {
    this.#submit();
    this.#recordAhead(copies);
    const start = performance.now();
    const bytes = await this.#readback.wait(byteLength, direct);
    this.#readEnd = performance.now();
    this.timeMs.readback += this.#readEnd - start;
    await this.#profiler?.collect();
    return bytes;
  }

  /** Forgets what was recorded since the last submit, after a failure. */
  abandon(): void {
    this.#pass?.end();
    this.#commands = null;
    this.#pass = null;
    this.#finished = [];
    this.#ahead = null;
    this.next = null;
    this.beside = null;
  }

  #recordAhead(copies: readonly Slice[]): void {
    const section = this.next;
    this.next = null;
    if (section === null) return;
    section();
    this.#finish(copies);
    this.#ahead = { section, finished: this.#finished.pop()!, copies };
  }

  /** Ends the pass and puts its commands with the finished ones. */
  #finish(copies: readonly Slice[]): void {
    if (this.#commands === null) return;
    this.#pass?.end();
    this.#readback.recordCopies(this.#commands, copies);
    const commands = this.#commands.finish();
    this.#finished.push({ commands, timed: this.#timed });
    this.#copies = copies;
    this.#commands = null;
    this.#pass = null;
    this.timeMs.encode += performance.now() - this.#encodeStart;
  }

  #submit(): void {
    const start = performance.now();
    const commands = this.#finished.map(({ commands }) => commands);
    this.#gpu.device.queue.submit(commands);
    for (const { timed } of this.#finished) this.#profiler?.submitted(timed);
    this.#finished = [];
    this.#copies = [];
    this.submitCount++;
    const end = performance.now();
    this.timeMs.submit += end - start;
    if (this.#readEnd !== null) this.timeMs.idle += end - this.#readEnd;
    this.#readEnd = null;
  }
}

function areEqual(a: readonly Slice[], b: readonly Slice[]): boolean {
  return a.length === b.length &&
    a.every(({ source, byteLength }, i) =>
      source === b[i]!.source && byteLength === b[i]!.byteLength
    );
}
