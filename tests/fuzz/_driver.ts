/** Runs targets of fuzzing in child processes, and watches over these. */

import { fromFileUrl } from "@std/path";
import type { Job, TargetResult, Told } from "./_job.ts";
import { peakByteLength } from "./_peak_memory.ts";

/** How to fuzz. */
export interface FuzzOptions extends Omit<Job, "place"> {
  /** A child that begins no case for so long hangs, in ms. */
  readonly silenceMs: number;
  /** Told when a target has ended. */
  readonly onResult?: (result: TargetResult) => void;
}

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

/** The most memory of a child, and of its JavaScript. */
const MAX_PEAK_BYTE_LENGTH = 1536 * 2 ** 20;
const MAX_HEAP_MIB = 1024;

/** The most time until a child begins its first case. */
const START_MS = 120_000;

/** How often a child is looked at. */
const LOOK_MS = 100;

/** Where a child is. */
interface Progress {
  /** The target that runs, if one does. */
  target: string | null;
  /** Its case. */
  number: number;
  /** What it is fed, if the child says it. */
  input?: string | undefined;
  /** Cases of any target that began. */
  count: number;
  /** Targets that have ended. */
  readonly results: TargetResult[];
}

/**
 * Fuzzes: each target runs until its cases are over or one has a bad outcome. A
 * target that hangs, or takes its process with it, is replaced by the next.
 *
 * @param options What to run, for how long.
 * @returns How each target fared.
 */
export async function fuzz(options: FuzzOptions): Promise<TargetResult[]> {
  const place = await Deno.makeTempDir({ prefix: "moeno-fuzz-" });
  const results: TargetResult[] = [];
  try {
    let left = options.targets.map(({ name, cases }) => ({ name, cases }));
    while (left.length > 0) {
      const ended = await runChild({ ...options, place, targets: left });
      results.push(...ended);
      left = left.slice(ended.length);
    }
  } finally {
    await Deno.remove(place, { recursive: true });
  }
  return results;
}

/** Runs targets in one child, up to the one that ends it. */
async function runChild(
  { silenceMs, onResult, ...job }: FuzzOptions & Job,
): Promise<TargetResult[]> {
  const { place } = job;
  const begin = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      `--config=${ROOT}deno.json`,
      `--lock=${ROOT}tests/deno.lock`,
      // A file elsewhere, a connection or a process is a bad outcome.
      `--allow-read=${ROOT},${place}`,
      `--allow-write=${place}`,
      "--allow-net=127.0.0.1",
      "--allow-env",
      `--v8-flags=--max-old-space-size=${MAX_HEAP_MIB}`,
      `${ROOT}tests/fuzz/_child.ts`,
      JSON.stringify(job),
    ],
    cwd: place,
    env: {
      ...{ MOENO_HOME: `${place}/home`, MOENO_CONFIG: "off" },
      ...{ MOENO_TUNING: "off", NO_COLOR: "1" },
    },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const progress: Progress = { target: null, number: 0, count: 0, results: [] };
  let verdict: string | undefined;
  const kill = (what: string) => {
    verdict ??= what;
    child.kill("SIGKILL");
  };
  using _watch = watchOver(child.pid, { progress, silenceMs, kill });
  const [stderr] = await Promise.all([
    new Response(child.stderr).text(),
    listen(child.stdout, progress, onResult),
  ]);
  const { code, signal } = await child.status;
  const { results, target, number, input } = progress;
  if (target === null && results.length === job.targets.length) return results;
  const end = signal === null ? `with code ${code}` : `by ${signal}`;
  const result: TargetResult = {
    target: target ?? job.targets[results.length]!.name,
    ...{ cases: number + 1, refused: 0, ms: performance.now() - begin },
    slowest: { number, ms: silenceMs },
    failure: {
      what: verdict ?? `the process ended ${end}: ${stderr.trim()}`,
      path: job.path ?? String(number),
      input,
    },
  };
  onResult?.(result);
  return [...results, result];
}

/** Takes in what a child tells. */
async function listen(
  stdout: ReadableStream<Uint8Array<ArrayBuffer>>,
  progress: Progress,
  onResult: FuzzOptions["onResult"],
): Promise<void> {
  let rest = "";
  for await (const text of stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const told = JSON.parse(line) as Told;
      if (told.kind === "case") {
        progress.target = told.target;
        progress.number = told.number;
        progress.input = told.input;
        progress.count++;
      } else {
        progress.target = null;
        progress.results.push(told.result);
        onResult?.(told.result);
      }
    }
  }
}

/** Looks again and again whether a child goes on, and what memory it takes. */
function watchOver(
  pid: number,
  { progress, silenceMs, kill }: {
    progress: Progress;
    silenceMs: number;
    kill: (what: string) => void;
  },
): Disposable {
  let seen = -1;
  let since = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    if (progress.count !== seen) {
      seen = progress.count;
      since = now;
    } else if (now - since > (seen === 0 ? START_MS : silenceMs)) {
      kill(`no end after ${silenceMs / 1000} s`);
    }
    const peak = peakByteLength(pid);
    if (peak !== null && peak > MAX_PEAK_BYTE_LENGTH) {
      kill(
        `${(peak / 2 ** 20).toFixed(0)} MiB of memory, at this case or before`,
      );
    }
  }, LOOK_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
