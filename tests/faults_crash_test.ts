/**
 * Whatever saves something, ended at each of its operations on the disk: what was
 * there before is still there, or what was to be there, and never a part of it.
 */

import { assert, assertEquals } from "@std/assert";
import {
  environmentOf,
  fakeEngine,
  fakeProcess,
} from "../src/cli/_fake_engine.ts";
import { PromptHistory } from "../src/cli/chat/prompt_history.ts";
import { repl } from "../src/cli/chat/repl.ts";
import { COMMANDS } from "../src/cli/commands.ts";
import { changeConfig } from "../src/cli/settings/change_config.ts";
import { TraceFile } from "../src/cli/trace_file.ts";
import { writeTuning } from "../src/engine/tuning_file.ts";
import { syntheticConfig } from "../src/model/synthetic_shapes.ts";
import {
  SYNTHETIC_PARTS,
  SyntheticWeights,
} from "../src/model/synthetic_weights.ts";
import { writeSynthetic } from "../src/model/write_synthetic.ts";
import { count } from "./_counts.ts";
import { crashAt } from "./_crash.ts";
import { finish, withEngine } from "./_engine.ts";
import { assertPulled, listing, pullLab } from "./_pull.ts";
import { filesOf } from "./_quantize.ts";
import { Random } from "./_random.ts";
import { tempDirectory, tinyCheckpoint } from "./_tiny_checkpoint.ts";

const IS_LONG = Deno.env.get("MOENO_LONG") === "1";
const SEED = 20261126;

/** Writes a file, with one content or another. */
type Save = (path: string, version: 1 | 2) => Promise<unknown>;

const SAVERS: Readonly<Record<string, Save>> = {
  "chat /save": async (path, version) => {
    const engine = fakeEngine();
    const lines = Array(version).fill("hello");
    const input = [...lines, `/save --force ${path}`, ""].join("\n");
    const { io, interrupts } = fakeProcess(engine, {
      input,
      isTerminal: false,
    });
    await repl({
      engine,
      io,
      interrupts,
      generate: {},
      showsStats: false,
      describe: String,
    });
  },
  "config set": (path, version) =>
    changeConfig({
      action: "set",
      words: ["temperature", `0.${version}`],
      commands: COMMANDS,
      environment: environmentOf({ "MOENO_CONFIG": path }),
    }),
  "a table of tuning": (path, version) =>
    writeTuning(path, "a GPU", { upUnits: version }),
  "a trace": async (path, version) => {
    await using trace = await TraceFile.open(path, () => {}, []);
    const config = {
      numHiddenLayers: 1,
      numLocalExperts: 4,
      numExpertsPerTok: 2,
    };
    trace.begin({ name: "m", config });
    for (let token = 0; token < version; token++) {
      trace.onRouting(0, {
        ids: Uint32Array.of(1, 2),
        weights: Float32Array.of(0.5, 0.5),
        guess: new Uint32Array(4),
      });
    }
  },
};

/** Ends a saver at each operation, over a file and without one. */
async function crashSaver(area: string, save: Save): Promise<void> {
  using place = tempDirectory();
  const path = `${place.path}/file`;
  const contents = [];
  for (const version of [1, 2] as const) {
    await save(path, version);
    contents.push(await Deno.readTextFile(path));
  }
  const [before, after] = contents;
  assert(before !== after, `${area} writes the same for both`);
  let crashes = 0;
  for (const isOver of [true, false]) {
    for (let operation = 1;; operation++) {
      await Deno.remove(path).catch(() => {});
      if (isOver) await save(path, 1);
      // Some say what failed, and go on.
      const { count } = await crashAt(operation, () => save(path, 2));
      if (count < operation) break;
      crashes++;
      const found = await Deno.readTextFile(path).catch(() => null);
      const where = `${area}, operation ${operation}`;
      assert(found === after || found === (isOver ? before : null), where);
      await save(path, 2);
      assertEquals(await Deno.readTextFile(path), after, where);
    }
  }
  assert(crashes >= 8, `only ${crashes} crashes`);
  count(`killed in ${area}`, "faults injected", crashes);
  count(`killed in ${area}`, "recoveries", crashes);
}

for (const [area, save] of Object.entries(SAVERS)) {
  Deno.test(`A crash in ${area} leaves the old file, or the new one`, () =>
    crashSaver(area, save));
}

Deno.test("A crash in Engine.saveState() leaves the old file, or the new one", async () => {
  using model = await tinyCheckpoint();
  await withEngine(model.path, { contextLength: 32 }, async (engine) => {
    const options = { maxTokens: 3, temperature: 0, ignoreEos: true };
    await crashSaver("saveState()", async (path, version) => {
      await engine.logits([1]); // so that the prompt runs whole: the same bits
      await finish(engine.generate([5, 9, version], options));
      await engine.saveState(path);
    });
  });
});

Deno.test("A crash in PromptHistory.add() loses nothing that was kept before", async () => {
  using place = tempDirectory();
  const { path: home } = place;
  const add = async (text: string) => {
    const history = await PromptHistory.open(home);
    await history.add(text);
  };
  const kept = async () => (await PromptHistory.open(home)).texts;
  let crashes = 0;
  for (let operation = 1;; operation++) {
    const old = `old ${operation}`;
    await add(old);
    const { count } = await crashAt(operation, () => add(`new ${operation}`));
    if (count < operation) break;
    crashes++;
    assert((await kept()).includes(old));
    await add(`again ${operation}`);
    assertEquals((await kept())[0], `again ${operation}`);
    assert((await kept()).includes(old));
  }
  assert(crashes >= 3, `only ${crashes} crashes`);
  count("killed in the history of prompts", "faults injected", crashes);
  count("killed in the history of prompts", "recoveries", crashes);
});

Deno.test("A crash in writeSynthetic() leaves no model, or all of it", async () => {
  using place = tempDirectory();
  const config = syntheticConfig("tiny", {
    "num_hidden_layers": 1,
    "num_local_experts": 2,
    "vocab_size": 40,
  });
  const weights = new SyntheticWeights(config, { seed: 7 });
  const write = (name: string) =>
    writeSynthetic(`${place.path}/${name}`, {
      weights,
      parts: SYNTHETIC_PARTS,
    });
  await write("wanted");
  const { count: total } = await crashAt(Infinity, () => write("counted"));
  const step = IS_LONG ? 1 : Math.ceil(total / 8);
  let crashes = 0;
  for (let operation = 1; operation <= total; operation += step) {
    const { crashed } = await crashAt(operation, () => write("target"));
    assert(crashed);
    crashes++;
    const isThere = await Deno.stat(`${place.path}/target`)
      .then(() => true, () => false);
    assert(!isThere, `operation ${operation} of ${total}`);
    await write("target");
    assertEquals(
      filesOf(`${place.path}/target`),
      filesOf(`${place.path}/wanted`),
    );
    await Deno.remove(`${place.path}/target`, { recursive: true });
  }
  count("killed in writeSynthetic()", "faults injected", crashes);
  count("killed in writeSynthetic()", "recoveries", crashes);
});

Deno.test("A crash in pull() leaves what the next one goes on from", async () => {
  await using lab = pullLab();
  const random = new Random(SEED);
  const { count: total } = await crashAt(Infinity, () => lab.pull());
  const operations = IS_LONG
    ? Array.from({ length: total }, (_, i) => i + 1)
    : Array.from({ length: 8 }, () => 1 + random.integer(total));
  let crashes = 0;
  for (const operation of operations) {
    await Deno.remove(lab.directory, { recursive: true });
    const { crashed } = await crashAt(operation, () => lab.pull());
    const where = `operation ${operation} of ${total}, seed ${SEED}`;
    if (crashed) {
      crashes++;
      assertEquals(await listing(lab.directory), [], where);
    }
    await lab.pull();
    await assertPulled(lab.directory, lab.files);
  }
  assert(crashes > operations.length / 2, `only ${crashes} crashes`);
  count("killed in pull()", "faults injected", crashes);
  count("killed in pull()", "recoveries", crashes);
});
