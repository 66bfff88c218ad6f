import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { dirname } from "@std/path";
import { Gpu } from "../gpu/device.ts";
import { defaultTuning, KERNEL_VERSION } from "../gpu/tuning.ts";
import type { Environment } from "../io/home.ts";
import { openGpu, type TuningWish } from "./open_gpu.ts";
import { readTuning, tuningPath, writeTuning } from "./tuning_file.ts";

/** A folder of tables that goes away. */
function tempHome(): Disposable & { path: string } {
  const path = Deno.makeTempDirSync({ prefix: "moeno-home-" });
  return {
    path,
    [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }),
  };
}

function environmentOf(variables: Record<string, string>): Environment {
  return { os: "linux", variable: (name) => variables[name] };
}

async function adapterName(): Promise<string> {
  using gpu = await Gpu.open();
  return gpu.name;
}

Deno.test("tuningPath() is a plain name below the folder", () => {
  const path = (adapter: string) => tuningPath("/home", adapter);
  assertEquals(path("NVIDIA H100 80GB"), "/home/tuning/nvidia-h100-80gb.json");
  assertEquals(path("../../etc/(R)"), "/home/tuning/etc-r.json");
  assertEquals(path("…"), "/home/tuning/gpu.json");
  assert(path("x".repeat(999)).length < 150);
});

Deno.test("writeTuning() writes what readTuning() reads", async () => {
  using home = tempHome();
  const path = tuningPath(`${home.path}/not/there/yet`, "A");
  for (const tuning of [{ upUnits: 4, sumInvocations: 64 }, {}]) {
    await writeTuning(path, "A", tuning);
    assertEquals(await readTuning(path, "A"), { tuning, notice: null });
  }
  const names = await Array.fromAsync(Deno.readDir(dirname(path)));
  assertEquals(names.length, 1, "no part of a file is left");
});

Deno.test("readTuning() says why a file does not count, and never throws", async () => {
  using home = tempHome();
  const path = tuningPath(home.path, "A");
  await writeTuning(path, "A", { upUnits: 4 });
  const good = JSON.parse(await Deno.readTextFile(path));
  const cases: [unknown, string][] = [
    ["{", "characters that are not JSON"],
    ["null", "its format is missing, wanted"],
    ["7", "its format is missing, wanted"],
    [{ ...good, format: "x" }, 'its format is "x", wanted "moeno tuning"'],
    [
      { ...good, kernelVersion: KERNEL_VERSION - 1 },
      `version ${KERNEL_VERSION - 1}, wanted ${KERNEL_VERSION}; moeno tune`,
    ],
    [{ ...good, kernelVersion: undefined }, "kernels of version none"],
    [{ ...good, adapter: "B" }, 'measured on "B", wanted "A"'],
    [{ ...good, tuning: undefined }, "tuning is undefined, wanted an object"],
    [{ ...good, tuning: { units: 1 } }, 'tuning has "units", wanted upUnits'],
    [{ ...good, tuning: { upUnits: 3 } }, "tuning.upUnits is 3, wanted one of"],
  ];
  for (const [content, message] of cases) {
    const text = typeof content === "string"
      ? content
      : JSON.stringify(content);
    await Deno.writeTextFile(path, text);
    const { tuning, notice } = await readTuning(path, "A");
    assertEquals(tuning, null);
    assertStringIncludes(notice!, message);
    assertStringIncludes(notice!, path);
    assert(notice!.startsWith("Cannot "), notice!);
  }
  await Deno.remove(path);
  assertEquals(await readTuning(path, "A"), { tuning: null, notice: null });
  await Deno.mkdir(path);
  const { notice } = await readTuning(path, "A");
  assertEquals(notice, `Cannot read ${path}: it is a directory, wanted a file`);
});

/** What no table of these tests says. */
const DOWN_UNITS = defaultTuning(false).downUnits;

Deno.test("openGpu() has options go before the variable, that before a table", async () => {
  using home = tempHome();
  const adapter = await adapterName();
  const path = tuningPath(home.path, adapter);
  const inHome = { MOENO_HOME: home.path };
  const table = { upUnits: 2, argmaxInvocations: 64 };
  const own = { upUnits: 16 };
  const open = async (wish: TuningWish | undefined, variables = {}) => {
    const { gpu, report } = await openGpu(wish, environmentOf(variables));
    using _gpu = gpu;
    const { upUnits, downUnits } = gpu.tuning;
    return [report.source, upUnits, downUnits, report.path];
  };
  assertEquals(await open("auto", inHome), ["defaults", 8, DOWN_UNITS, path]);
  await writeTuning(path, adapter, table);
  assertEquals(await open(undefined, inHome), ["table", 2, DOWN_UNITS, path]);
  const off = { ...inHome, MOENO_TUNING: "off" };
  assertEquals(await open("auto", off), ["defaults", 8, DOWN_UNITS, null]);
  assertEquals(await open("on", off), ["table", 2, DOWN_UNITS, path]);
  assertEquals(await open("off", inHome), ["defaults", 8, DOWN_UNITS, null]);
  assertEquals(await open(own, inHome), ["options", 16, DOWN_UNITS, null]);
  assertEquals(await open(own, off), ["options", 16, DOWN_UNITS, null]);
  assertEquals(await open("auto"), ["defaults", 8, DOWN_UNITS, null]);
});

Deno.test("openGpu() opens in spite of a broken table, and says so", async () => {
  using home = tempHome();
  const path = tuningPath(home.path, await adapterName());
  await Deno.mkdir(dirname(path));
  await Deno.writeTextFile(path, "broken");
  const inHome = environmentOf({ MOENO_HOME: home.path });
  const { gpu, report } = await openGpu("auto", inHome);
  using _gpu = gpu;
  assertEquals([report.source, report.tuning], ["defaults", {}]);
  assert(report.notice?.startsWith(`Cannot read ${path}: `), report.notice!);
});

Deno.test("openGpu() refuses wishes that there are not", async () => {
  for (
    const [wish, message] of [
      ["no", 'tuning is "no", wanted auto, on, off or values'],
      [{ upUnits: 5 }, "tuning.upUnits is 5, wanted one of"],
      [{ units: 5 }, 'tuning has "units", wanted upUnits'],
      [null, "tuning is null, wanted an object of numbers"],
    ] as const
  ) {
    const refused = openGpu(wish as TuningWish);
    await assertRejects(
      () => refused,
      Error,
      `Cannot load the model: ${message}`,
    );
  }
});
