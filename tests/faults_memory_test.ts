/** A GPU that refuses memory while a model loads, at each buffer in turn. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { load, type LoadOptions, type Plan } from "../mod.ts";
import { countBuffers } from "./_count_buffers.ts";
import { count } from "./_counts.ts";
import { finish, withEngine } from "./_engine.ts";
import { refuseMemory, withVram } from "./_faults.ts";
import { settle } from "./_gpu.ts";
import { tinyCheckpoint } from "./_tiny_checkpoint.ts";

const AREA = "GPU memory";
const IS_LONG = Deno.env.get("MOENO_LONG") === "1";
const PROMPT = [5, 9, 23, 4, 17, 8, 2, 40, 11];

/** What asks for which buffers. */
const WAYS: Readonly<Record<string, LoadOptions>> = {
  "all experts on the GPU": {},
  "pinned experts that the GPU decides on": {
    slots: 2,
    store: "pinned",
    residency: "gpu",
  },
  "pinned experts that the host decides on": {
    slots: 2,
    residency: "cpu",
    prefetch: "next-layer",
  },
  "experts in memory": { slots: 3, store: "array-buffer" },
  "experts on disk": { slots: [2, 4], store: "disk", watchable: true },
};

/** How many of the buffers are refused in a short run. */
const SAMPLE = 4;

async function textOf(
  directory: string,
  options: LoadOptions,
): Promise<number[]> {
  return await withEngine(directory, options, async (engine) => {
    const options = { maxTokens: 8, temperature: 0, ignoreEos: true };
    return (await finish(engine.generate(PROMPT, options))).ids;
  });
}

const FEW = [
  "all experts on the GPU",
  "pinned experts that the GPU decides on",
  "experts on disk",
];

for (const what of IS_LONG ? Object.keys(WAYS) : FEW) {
  const way = WAYS[what]!;
  Deno.test(`load() notices each buffer that is refused, with ${what}`, async () => {
    using model = await tinyCheckpoint();
    const options = { contextLength: 32, ...way };
    const expected = await textOf(model.path, options);
    let total = 0;
    {
      using watch = refuseMemory(() => false);
      await withEngine(model.path, options, async () => {
        total = await Promise.resolve(watch.count);
      });
    }
    assert(total > 20, `only ${total} buffers`);
    const step = IS_LONG ? 1 : Math.ceil(total / SAMPLE);
    let failures = 0;
    let fallbacks = 0;
    for (let nth = 1; nth <= total; nth += step) {
      const where = `buffer ${nth} of ${total}`;
      using buffers = countBuffers();
      {
        using fault = refuseMemory((n) => n === nth);
        const notices: string[] = [];
        const onNotice = (notice: string) => notices.push(notice);
        try {
          const ids = await textOf(model.path, { ...options, onNotice });
          assertEquals(ids, expected, where);
          fallbacks++;
        } catch (error) {
          const { message } = error as Error;
          assert(/^Cannot [^\n]+$/.test(message), `${where}: ${message}`);
          assert(
            /refuses \d+ bytes|grants memory for/.test(message),
            `${where}: ${message}`,
          );
          failures++;
        }
        assertEquals(fault.refused.length, 1, where);
        assertEquals(fault.unnoticed, 0, `${where}: ${fault.refused}`);
      }
      assertEquals(buffers.count, 0, `${where} leaves buffers`);
    }
    assertEquals(await textOf(model.path, options), expected);
    count(AREA, "faults injected", failures + fallbacks);
    count(AREA, "recoveries", fallbacks + 1);
  });
}

Deno.test("load() takes fewer slots if the GPU has less memory than planned, and says so", async () => {
  using model = await tinyCheckpoint({ config: { num_local_experts: 8 } });
  const options: LoadOptions = { contextLength: 32, chunkSize: 16 };
  const expected = await textOf(model.path, options);
  const plans: Plan[] = [];
  const onPlan = (plan: Plan) => void plans.push(plan);
  await textOf(model.path, { ...options, slots: 2, onPlan });
  const fewest = plans.pop()!;
  await textOf(model.path, { ...options, onPlan });
  const most = plans.pop()!;
  assertEquals(most.residentLayers.length, 2);

  let refusedCount = 0;
  for (const share of [0.95, 0.7, 0.4]) {
    const byteLength = fewest.vramByteLength +
      share * (most.vramByteLength - fewest.vramByteLength);
    using buffers = countBuffers();
    {
      using _vram = withVram(byteLength);
      const notices: string[] = [];
      plans.length = 0;
      const ids = await textOf(model.path, {
        ...options,
        onPlan,
        onNotice: (notice) => void notices.push(notice),
      });
      assertEquals(ids, expected, "a text of other tokens");
      refusedCount += Math.min(plans.length - 1, 1);
      if (plans.length === 1) continue; // on a GPU the plan is a little larger
      assertEquals(notices.length, plans.length - 1);
      const { slotCount } = plans.at(-1)!;
      assert(slotCount < 16 && slotCount >= 4, `${slotCount} slots`);
      assertStringIncludes(
        notices.at(-1)!,
        `${slotCount} are on it now; other experts come from`,
      );
    }
    assertEquals(buffers.count, 0);
  }
  assert(refusedCount > 1, `${refusedCount} plans were refused`);
  // Slots that were asked for are had, or not at all.
  using _vram = withVram(0.6 * most.vramByteLength);
  const error = await load(model.path, { ...options, slots: 7 }).then(
    () => null,
    (error) => error as Error,
  );
  await settle();
  assert(
    /^Cannot allocate .* fewer slots/.test(error!.message),
    error!.message,
  );
  count(AREA, "faults injected", 4);
  count(AREA, "recoveries", 3);
});

Deno.test("bench says that the GPU refused what was planned", async () => {
  using model = await tinyCheckpoint({ config: { num_local_experts: 8 } });
  const plans: Plan[] = [];
  const onPlan = (plan: Plan) => void plans.push(plan);
  await textOf(model.path, { contextLength: 32, chunkSize: 16, onPlan });
  const { vramByteLength } = plans[0]!;
  const program = fromFileUrl(new URL("./_scarce_vram.ts", import.meta.url));
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", program, "bench", "--model", model.path],
      ...["--context", "32", "--chunk-size", "16", "--prompt", "4"],
      ...["--tokens", "4", "--repeat", "1"],
    ],
    env: { NO_COLOR: "1", VRAM: `${Math.floor(0.8 * vramByteLength)}` },
  }).output();
  const told = new TextDecoder().decode(stderr);
  assertEquals(code, 0, told);
  assertStringIncludes(told, "# The GPU refused the memory for 16 experts: ");
  count(AREA, "faults injected", 1);
  count(AREA, "recoveries", 1);
});
