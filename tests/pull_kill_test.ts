/**
 * `moeno pull` killed at random points always ends in a verified model.
 * `MOENO_LONG=1` draws other points each time.
 */

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { load } from "../mod.ts";
import { count } from "./_counts.ts";
import { HubServer } from "./_hub_server.ts";
import { start } from "./_program.ts";
import { assertPulled, listing, MODEL } from "./_pull.ts";
import { type Random, withRandom } from "./_random.ts";
import { tempDirectory } from "./_tiny_checkpoint.ts";

const STORIES_Q = fromFileUrl(
  new URL("../models/stories-17m-q", import.meta.url),
);

/** Kills in all, and how many users pull at the same time. */
const KILL_COUNT = 50;
const LANE_COUNT = 5;

/** It says where the kills are meant to be; clocks have their say, too. */
const SEED = Deno.env.has("MOENO_LONG")
  ? crypto.getRandomValues(new Uint32Array(1))[0]!
  : 20261126;

/** Where the kills of all lanes found things. */
interface Tally {
  /** Runs that were killed. */
  kills: number;
  /** Of these: nothing was on the disk; it was in work; the model was there. */
  before: number;
  during: number;
  after: number;
  /** Runs that came to their end, and those of them that fetched only a part. */
  ends: number;
  resumed: number;
}

Deno.test("pull killed at 50 random points always ends in a verified model", async () => {
  const files: Record<string, Uint8Array<ArrayBuffer>> = {};
  for (const path of await listing(STORIES_Q)) {
    files[path] = await Deno.readFile(`${STORIES_Q}/${path}`);
  }
  const tally = {
    ...{ kills: 0, before: 0, during: 0, after: 0 },
    ...{ ends: 0, resumed: 0 },
  };
  using place = tempDirectory();
  await Promise.all(Array.from({ length: LANE_COUNT }, (_, lane) =>
    withRandom(
      SEED + lane,
      (random) => runLane(files, `${place.path}/${lane}`, { random, tally }),
    )));
  // deno-lint-ignore no-console -- what was hit depends on the seed and on clocks
  console.log(`seed ${SEED}: ${JSON.stringify(tally)}`);
  assert(tally.kills >= KILL_COUNT);
  count("pull killed", "faults injected", tally.kills);
  count("pull killed", "recoveries", tally.ends);
  assert(tally.before > 0 && tally.during > 0 && tally.resumed > 0);
  using engine = await load(`${place.path}/0/models/${MODEL}`, {
    contextLength: 64,
  });
  let text = "";
  const options = { maxTokens: 4, temperature: 0 };
  for await (const piece of engine.generate("Once upon a", options)) {
    text += piece.text;
  }
  assert(text.startsWith(" time"), text);
});

/** Pulls, kills and pulls again, in a home of its own, and then to the end. */
async function runLane(
  files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>,
  home: string,
  { random, tally }: { random: Random; tally: Tally },
): Promise<void> {
  // Slow enough for kills to hit it while files come: some 8 MB/s.
  await using hub = new HubServer({ chunkByteLength: 1 << 15, pauseMs: 30 });
  hub.publish(MODEL, files);
  const directory = `${home}/models/${MODEL}`;
  const total = Object.values(files).reduce((sum, it) => sum + it.length, 0);
  const args = ["pull", MODEL, "--endpoint", hub.endpoint, "--json"];
  const env = { MOENO_HOME: home, HF_TOKEN: "none" };

  /** Runs the program, and kills it at a point; tells whether it was alive. */
  async function run(point: Point | null): Promise<boolean> {
    const child = start(args, { env });
    const output = child.output();
    if (point !== null) await kill(child, { point, hub, directory, output });
    const { signal, success, stdout, stderr } = await output;
    await child.stdin.close().catch(() => {}); // it is gone already
    if (signal === "SIGKILL") {
      tally.kills++;
      const isHere = (await listing(directory)).length > 0;
      const part = await listing(`${directory}.part`);
      if (isHere) tally.after++;
      else if (part.length === 0) tally.before++;
      else tally.during++;
      // Whatever is under the name is whole.
      if (isHere) await assertWhole();
      return true;
    }
    assert(success, new TextDecoder().decode(stderr));
    tally.ends++;
    const { receivedByteLength } = JSON.parse(new TextDecoder().decode(stdout));
    if (receivedByteLength < total) tally.resumed++;
    assertEquals(await listing(`${directory}.part`), []);
    await assertPulled(directory, files, Object.keys(files));
    return false;
  }

  async function assertWhole(): Promise<void> {
    for (const [path, bytes] of Object.entries(files)) {
      const { size } = await Deno.stat(`${directory}/${path}`);
      assertEquals(size, bytes.length, path);
    }
  }

  for (let kills = 0; kills < KILL_COUNT / LANE_COUNT;) {
    const point = randomPoint(random, hub.sentByteLength, total);
    if (await run(point)) kills++;
    // It was too fast for the kill: the next one begins anew.
    else await Deno.remove(directory, { recursive: true });
  }
  await run(null);
}

/** When to kill. */
interface Point {
  /** After so many bytes were sent; `null` is when all is to get its name. */
  readonly sentByteLength: number | null;
  /** And then some milliseconds. */
  readonly ms: number;
}

/** Some while the program starts, some at its end, most while files come. */
function randomPoint(random: Random, sent: number, total: number): Point {
  const phase = random.next();
  if (phase < 0.15) return { sentByteLength: 0, ms: random.integer(300) };
  if (phase < 0.3) return { sentByteLength: null, ms: random.integer(8) };
  const bytes = 1 + random.integer(total * 0.6);
  return { sentByteLength: sent + bytes, ms: random.integer(20) };
}

/** Kills a process at a point, unless it ends before. */
async function kill(
  child: Deno.ChildProcess,
  { point, hub, directory, output }: {
    point: Point;
    hub: HubServer;
    directory: string;
    output: Promise<unknown>;
  },
): Promise<void> {
  let isOver = false;
  output.then(() => isOver = true);
  const { sentByteLength, ms } = point;
  const last = `${directory}.part/moeno-source.json`;
  const isReached = async () =>
    sentByteLength === null
      ? await isThere(last)
      : hub.sentByteLength >= sentByteLength;
  while (!isOver && !await isReached()) await pause(1);
  if (!isOver) await pause(ms);
  try {
    child.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // it has ended
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
