/** A device that is lost: it is told, nothing is left, and life goes on on another. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  DeviceLostError,
  type Engine,
  load,
  type LoadOptions,
} from "../mod.ts";
import type { GenerateOptions } from "../src/engine/options.ts";
import { count } from "./_counts.ts";
import { type DeviceWatch, refuseMemory, watchDevices } from "./_faults.ts";
import { settle } from "./_gpu.ts";
import { withReadFault } from "./_io_faults.ts";
import { assertSentence } from "./_sentence.ts";
import { tempDirectory, tinyCheckpoint } from "./_tiny_checkpoint.ts";

const AREA = "device loss";
/** Tiny checkpoints have other ids than their tokenizer. */
const PROMPT = [5, 9, 23, 4, 17, 8, 2, 40, 11];
const TOKENS = 12;

/** Loading takes its time: compiling is most of it. */
const IS_LONG = Deno.env.get("MOENO_LONG") === "1";

/** What is loaded, and how tokens are picked. */
interface Way {
  readonly load: LoadOptions;
  readonly generate: GenerateOptions;
}

const GREEDY: GenerateOptions = { temperature: 0 };
const SAMPLED: GenerateOptions = { temperature: 0.8, seed: 3 };

const WAYS: Readonly<Record<string, Way>> = {
  "tokens that run ahead": { load: {}, generate: GREEDY },
  "tokens one by one": { load: {}, generate: SAMPLED },
  "experts that the GPU decides on": {
    load: { slots: 2, store: "pinned", residency: "gpu" },
    generate: GREEDY,
  },
  "experts in pinned memory": {
    load: { slots: 2, store: "pinned", residency: "cpu" },
    generate: SAMPLED,
  },
  "experts in memory, guessed ahead": {
    load: { slots: 2, store: "array-buffer", prefetch: "next-layer" },
    generate: SAMPLED,
  },
  "experts on disk": { load: { slots: 2, store: "disk" }, generate: GREEDY },
  "a prompt cache": { load: { promptCacheBytes: 1 << 20 }, generate: SAMPLED },
};

/** Lends an engine and its devices to a test, and counts what is left. */
async function withLab(
  options: LoadOptions,
  use: (engine: Engine, devices: DeviceWatch) => Promise<void>,
): Promise<void> {
  using model = await tinyCheckpoint();
  using devices = watchDevices();
  {
    using engine = await load(model.path, { contextLength: 64, ...options });
    await use(engine, devices);
  }
  assertEquals(devices.alive, 0, "devices that nobody destroyed");
  await settle();
}

/** Generates, and calls back after each token. */
async function idsOf(
  engine: Engine,
  options: GenerateOptions,
  { prompt = PROMPT, onToken = () => {} }: {
    prompt?: readonly number[];
    onToken?: (count: number) => void;
  } = {},
): Promise<number[]> {
  const ids: number[] = [];
  const pieces = engine.generate(prompt, {
    maxTokens: TOKENS,
    ignoreEos: true,
    ...options,
  });
  for await (const { id } of pieces) {
    if (id === null) continue;
    ids.push(id);
    onToken(ids.length);
  }
  return ids;
}

const FEW = ["experts that the GPU decides on"];

for (const what of IS_LONG ? Object.keys(WAYS) : FEW) {
  const way = WAYS[what]!;
  Deno.test(`Engine goes on on another device after the loss of one with ${what}`, async () => {
    await withLab(way.load, async (engine, devices) => {
      const options = { ...way.generate, ignoreEos: true };
      const expected = await idsOf(engine, options);
      assertEquals(expected.length, TOKENS);
      const places = IS_LONG ? [1, 2, 5, 11] : [5];
      for (const place of places) {
        const fail = () =>
          idsOf(engine, { ...options, maxTokens: 40 }, {
            onToken: (n) => n === place && devices.lose(),
          });
        await assertSentence(fail, "its device was lost");
        assert(engine.loss instanceof DeviceLostError);
        assertEquals(devices.alive, 0, "the old device is not freed");
        assertEquals(await idsOf(engine, options), expected);
        assertEquals([engine.loss, devices.alive], [null, 1]);
      }
      // In the middle of a prompt, and before anybody could notice.
      const lose = { onPrefill: () => devices.lose() };
      const prefill = () => idsOf(engine, { ...options, ...lose });
      await assertSentence(prefill, "its device was lost");
      assertEquals(await idsOf(engine, options), expected);
      const lossCount = places.length + 1;
      assertEquals(devices.opened, lossCount + 1);
      count(AREA, "faults injected", lossCount);
      count(AREA, "recoveries", lossCount);
    });
  });
}

Deno.test("load() fails in a sentence, or at the first answer, if the device is lost meanwhile", async () => {
  using model = await tinyCheckpoint();
  using devices = watchDevices();
  const options = { contextLength: 64, slots: 2, store: "pinned" } as const;
  let total: number;
  {
    using buffers = refuseMemory(() => false);
    using _engine = await load(model.path, options);
    total = buffers.count;
  }
  const step = IS_LONG ? 1 : Math.ceil(total / 2);
  let losses = 0;
  for (let nth = 1; nth <= total; nth += step) {
    const where = `lost at buffer ${nth} of ${total}`;
    using _fault = refuseMemory((n) => {
      if (n === nth) devices.lose();
      return false;
    });
    losses++;
    try {
      using engine = await load(model.path, options);
      await assertSentence(() => idsOf(engine, GREEDY), "its device was lost");
      assertEquals((await idsOf(engine, GREEDY)).length, TOKENS, where);
    } catch (error) {
      assert(error instanceof DeviceLostError, `${where}: ${error}`);
    }
    assertEquals(devices.alive, 0, where);
    await settle();
  }
  count(AREA, "faults injected", losses);
});

Deno.test("Engine keeps its watchers, its state files and those who wait over the loss of a device", async () => {
  using directory = tempDirectory();
  const path = `${directory.path}/state`;
  const other = [7, 7, 3, 1, 30, 31, 32, 33, 34, 35, 36, 37, 38];
  const load = { slots: 2, store: "array-buffer", promptCacheBytes: 1 << 20 };
  await withLab(load as LoadOptions, async (engine, devices) => {
    let heard = 0;
    using _watch = engine.experts.watch(() => heard++);
    const options = { ...GREEDY, ignoreEos: true };
    const expected = await idsOf(engine, options);
    await engine.saveState(path);
    await idsOf(engine, options, { prompt: other }); // the first one waits now
    devices.lose();
    await assertRejects(() => engine.saveState(`${path}-2`), Error);
    const files = await Array.fromAsync(Deno.readDir(directory.path));
    assertEquals(files.map(({ name }) => name), ["state"]);
    await engine.revive();
    await assertSentence(
      () => engine.saveState(`${path}-2`),
      "nothing has run yet",
    );
    heard = 0;
    const back = await idsOf(engine, options);
    assertEquals(back, expected);
    assert(heard > 0, "the watcher hears nothing of the new model");
    assertEquals(engine.promptCache!.hits, 1, "who waited was forgotten");
    assertEquals(engine.experts.resident()[0]!.length, 2);

    devices.lose();
    await assertRejects(() => engine.loadState(path), DeviceLostError);
    await engine.loadState(path);
    assertEquals(await idsOf(engine, options), expected);
    count(AREA, "faults injected", 2);
    count(AREA, "recoveries", 2);
  });
});

Deno.test("Engine gets over a failure while it gets over the loss of a device", async () => {
  const load = { slots: 2, store: "pinned" } as const;
  await withLab(load, async (engine, devices) => {
    const expected = await idsOf(engine, GREEDY);
    const answer = () => idsOf(engine, GREEDY);
    const seconds: Readonly<Record<string, () => Promise<unknown>>> = {
      "was lost": async () => {
        using _fault = refuseMemory((n) => {
          if (n === 20) devices.lose();
          return false;
        });
        return await answer();
      },
      "Input/output error": async () => {
        const { error } = await withReadFault(5, "fails", answer);
        if (error) throw error;
      },
      "grants memory for 0 of them": async () => {
        using _fault = refuseMemory(() => true);
        return await answer();
      },
    };
    for (const [says, fail] of Object.entries(seconds)) {
      devices.lose();
      await settle();
      await assertSentence(fail, says);
      assert(engine.loss instanceof DeviceLostError, says);
      assertEquals(devices.alive, 0, `${says}: a device is left`);
      assertEquals(await answer(), expected, says);
    }
    const { length } = Object.keys(seconds);
    count(AREA, "faults injected", 2 * length);
    count(AREA, "recoveries", length);
  });
});

Deno.test({
  name:
    "Engine says why it cannot be loaded again, and tries once more when asked",
  ignore: !IS_LONG, // lasting_model_test.ts does it without a GPU
  fn: cannotBeLoaded,
});

async function cannotBeLoaded(): Promise<void> {
  await withLab({}, async (engine, devices) => {
    const expected = await idsOf(engine, GREEDY);
    devices.lose();
    await settle();
    devices.isGone = true;
    for (let i = 0; i < 2; i++) {
      await assertSentence(
        () => idsOf(engine, GREEDY),
        "Cannot load the model again after its GPU was lost: Cannot open a GPU: no WebGPU adapter found",
      );
      assert(/no WebGPU adapter/.test(engine.loss!.message));
    }
    devices.isGone = false;
    const [a, b] = await Promise.allSettled([
      engine.revive(),
      idsOf(engine, GREEDY),
    ]);
    assertEquals(a.status, "fulfilled");
    assertEquals(b, { status: "fulfilled", value: expected });
    assertEquals(devices.opened, 2, "one for both");
    count(AREA, "faults injected", 3);
    count(AREA, "recoveries", 1);
  });
}

Deno.test("Engine leaves nothing when it is disposed of in an answer, or while it is loaded again", async () => {
  await withLab({}, async (engine, devices) => {
    await assertSentence(
      () => idsOf(engine, SAMPLED, { onToken: () => engine[Symbol.dispose]() }),
      "its engine has been disposed of",
    );
    assertEquals(devices.alive, 0);
  });
  await withLab({}, async (engine, devices) => {
    // Nothing runs when it is lost.
    devices.lose();
    await settle();
    const reviving = assertRejects(
      () => engine.revive(),
      Error,
      "its engine has been disposed of",
    );
    engine[Symbol.dispose]();
    await reviving;
    assertEquals([devices.opened, devices.alive], [2, 0]);
  });
});
