// deno-lint-ignore-file no-console
/**
 * Products of prefill at Mixtral-8x7B's shapes: µs and TFLOP/s of both kernels, for
 * several numbers of tokens; `*` marks what `matmul()` takes. Experts get the rows of
 * random routings, all eight in a dispatch.
 *
 * deno run -A bench/prefill_shapes.ts [--tokens 2,16,64,512,2048]
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { Gpu } from "../src/gpu/device.ts";
import rowsAll from "../kernels/lib/rows_all.wgsl" with { type: "text" };
import rowsExpert from "../kernels/lib/rows_expert.wgsl" with { type: "text" };
import {
  type MatrixLayout,
  matrixLayout,
  type Scheme,
} from "../src/ops/matrix.ts";
import { matmulBy } from "../src/ops/matmul.ts";
import { fewWay, isForFew, wideWay } from "../src/ops/matmul_ways.ts";
import type { Pick } from "../src/ops/matvec.ts";
import { makeRows, type Op } from "../src/ops/op.ts";
import {
  makeStepBuffers,
  STEP_BINDING,
  type StepBuffers,
  writeStep,
} from "../src/ops/step.ts";

const EXPERT: Scheme = {
  type: "HQQ",
  bits: 2,
  axis: 0,
  groupSize: 16,
  scaleGroupSize: 128,
};
const ATTN: Scheme = {
  type: "HQQ",
  bits: 4,
  axis: 0,
  groupSize: 64,
  scaleGroupSize: 256,
};
const SHAPES: readonly {
  name: string;
  shape: readonly [number, number];
  scheme: Scheme;
  expertCount: number;
  /** Rows of x for a token: 1 where the ranks share it. */
  xRows?: number;
  isGated?: boolean;
}[] = [
  {
    name: "w1, w3, SiLU",
    shape: [14_336, 4096],
    scheme: EXPERT,
    expertCount: 8,
    isGated: true,
  },
  { name: "w1", shape: [14_336, 4096], scheme: EXPERT, expertCount: 8 },
  {
    name: "w2",
    shape: [4096, 14_336],
    scheme: EXPERT,
    expertCount: 8,
    xRows: 2,
  },
  { name: "q", shape: [4096, 4096], scheme: ATTN, expertCount: 1 },
  { name: "k", shape: [1024, 4096], scheme: ATTN, expertCount: 1 },
];
const TOP_K = 2;
const ROUNDS = 4;
/** Until a GPU that was idle runs at full speed. */
const WARM_UP_MS = 300;
/** What is timed at once, so that submitting does not count. */
const BATCH_MS = 10;

interface Job {
  readonly name: string;
  readonly op: Op;
  readonly tokenCount: number;
  readonly flops: number;
  readonly prepare: () => void;
  readonly times: number[];
  count: number;
}

const args = parseArgs(Deno.args, { default: { tokens: "2,16,64,512,2048" } });
const tokenCounts = String(args.tokens).split(",").map(Number);
const tokenLimit = Math.max(...tokenCounts);
using gpu = await Gpu.open();
console.log(gpu.name);
using readback = await gpu.readback(16);
const step = makeStepBuffers(gpu, tokenLimit);
const jobs: Job[] = [];
for (const shape of SHAPES) jobs.push(...await jobsOf(shape, step));
await run(jobs);
for (const { name, tokenCount, flops, times } of jobs) {
  const ms = Math.min(...times);
  console.log(
    `${name.padEnd(22)} ${String(tokenCount).padStart(5)} tokens ` +
      `${(ms * 1e3).toFixed(0).padStart(7)} us ` +
      `${(flops / ms / 1e9).toFixed(1).padStart(5)} TFLOP/s`,
  );
}

/** Both kernels at all numbers of tokens. */
async function jobsOf(
  { name, shape, scheme, expertCount, xRows = 1, isGated = false }:
    (typeof SHAPES)[number],
  step: StepBuffers,
): Promise<Job[]> {
  const layout = matrixLayout(name, shape, scheme);
  const { N, K, wordCount } = layout;
  const matrixCount = isGated ? 2 : 1;
  const expertWords = matrixCount * wordCount;
  const buffer = gpu.storageBuffer(name, expertCount * expertWords * 4);
  const bytes = randomMatrix(layout);
  for (let i = 0; i < expertCount * matrixCount; i++) {
    gpu.upload(buffer, bytes, i * wordCount * 4);
  }
  const rowCount = tokenLimit * TOP_K;
  const x = makeRows(gpu, "x", [rowCount, K]);
  const y = makeRows(gpu, "y", [rowCount, N]);
  const counts = gpu.storageBuffer("counts", expertCount * 4);
  const lists = gpu.storageBuffer("lists", expertCount * tokenLimit * 4);
  const pick: Pick = expertCount === 1
    ? {
      sources: [{ name: "lib/rows_all.wgsl", code: rowsAll }],
      constants: {},
      bindings: { [STEP_BINDING]: step.step },
      count: 1,
    }
    : {
      sources: [{ name: "lib/rows_expert.wgsl", code: rowsExpert }],
      constants: {
        EXPERT_WORDS: expertWords,
        MATRIX_AT: 0,
        X_DIVISOR: TOP_K / xRows,
        ROW_LIMIT: tokenLimit,
      },
      bindings: { 3: counts, 4: lists },
      count: expertCount,
    };
  const wide = wideWay(layout, isGated ? wordCount : undefined);
  const few = isGated ? null : fewWay(layout);
  const rowsPerToken = expertCount === 1 ? 1 : TOP_K / expertCount;
  const options = { matrix: { buffer, layout }, x, y, add: false, pick };
  const made: Job[] = [];
  for (const tokenCount of tokenCounts) {
    const prepare = () => {
      writeStep(gpu, step, {
        tokens: Array<number>(tokenCount).fill(0),
        position: 0,
        firstRow: 0,
      });
      if (expertCount > 1) routeRandomly({ counts, lists }, tokenCount);
    };
    const isFew = few !== null && isForFew(wide, {
      rowCount: rowsPerToken * tokenCount,
      pickCount: expertCount,
    });
    for (const way of few === null ? [wide] : [few, wide]) {
      const mark = isFew === (way === few) ? "*" : "";
      made.push({
        name: `${name}, ${way === few ? "few" : "wide"}${mark}`,
        op: await matmulBy(gpu, options, way),
        tokenCount,
        flops: 2 * N * K * matrixCount * rowsPerToken * expertCount *
          tokenCount,
        prepare,
        times: [],
        count: 1,
      });
    }
  }
  return made;
}

/** Lists the rows of experts that tokens choose by chance, the same each time. */
function routeRandomly(
  { counts, lists }: { counts: GPUBuffer; lists: GPUBuffer },
  tokenCount: number,
): void {
  let state = 7;
  const random = (limit: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor(state / 2 ** 31 * limit);
  };
  const rows = Array.from({ length: 8 }, () => [] as number[]);
  for (let token = 0; token < tokenCount; token++) {
    const first = random(8);
    const second = (first + 1 + random(7)) % 8;
    rows[first]!.push(TOP_K * token);
    rows[second]!.push(TOP_K * token + 1);
  }
  const words = new Uint32Array(8 * tokenLimit);
  rows.forEach((list, expert) => words.set(list, expert * tokenLimit));
  const lengths = Uint32Array.from(rows, ({ length }) => length);
  gpu.upload(lists, new Uint8Array(words.buffer));
  gpu.upload(counts, new Uint8Array(lengths.buffer));
}

function randomMatrix(layout: MatrixLayout): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(layout.wordCount * 4);
  for (let at = 0; at < bytes.length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  }
  // Meta scales must be numbers.
  new Float32Array(bytes.buffer, layout.metaAt * 4).fill(1e-3);
  return bytes;
}

/** Times all in turns, so that none has a colder GPU than the others. */
async function run(jobs: readonly Job[]): Promise<void> {
  const start = performance.now();
  do await time(jobs[0]!); while (performance.now() - start < WARM_UP_MS);
  for (let round = 0; round < ROUNDS; round++) {
    for (const job of jobs) {
      job.prepare();
      if (round === 0) {
        const ms = await time(job);
        job.count = Math.min(40, Math.max(1, Math.round(BATCH_MS / ms)));
      }
      job.times.push(await time(job));
    }
  }
}

/** Milliseconds of a dispatch, from submit to read-back of `count` of them. */
async function time({ op, tokenCount, count }: Job): Promise<number> {
  const commands = gpu.device.createCommandEncoder();
  const pass = commands.beginComputePass();
  for (let i = 0; i < count; i++) op.encode(pass, tokenCount);
  pass.end();
  const start = performance.now();
  await readback.read(commands, step.tokens, 8);
  return (performance.now() - start) / count;
}
