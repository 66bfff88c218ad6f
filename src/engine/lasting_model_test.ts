import { assert, assertEquals, assertRejects } from "@std/assert";
import { DeviceLostError } from "../gpu/device_loss.ts";
import { type DeviceParts, LastingModel } from "./lasting_model.ts";

const LOST = new DeviceLostError("Cannot use the GPU: it is gone");

/** A model whose devices are numbers, and what became of them. */
function setUp(reload: () => Promise<void> = () => Promise.resolve()) {
  const freed: string[] = [];
  let count = 0;
  const make = (): DeviceParts => {
    const name = `device ${++count}`;
    const parts = { gpu: { name, lost: null } } as unknown as DeviceParts;
    parts[Symbol.dispose] = () => void freed.push(name);
    return parts;
  };
  const told: string[] = [];
  const model = new LastingModel(make(), {
    reload: async () => {
      await reload();
      return make();
    },
    onReload: ({ gpu }) => told.push(gpu.name),
  });
  const fail = () => model.run(() => Promise.reject(LOST));
  const name = () => model.run(({ gpu }) => Promise.resolve(gpu.name));
  return { model, freed, told, fail, name };
}

Deno.test("LastingModel frees what was lost, and loads it once for all who wait", async () => {
  const reloading = Promise.withResolvers<void>();
  const { model, freed, told, fail, name } = setUp(() => reloading.promise);
  assertEquals([await name(), model.loss], ["device 1", null]);
  const error = await assertRejects(fail, DeviceLostError, LOST.message);
  assertEquals([error.cause, model.loss, freed], [LOST, LOST, ["device 1"]]);
  const names = Promise.all([name(), name(), model.revive().then(name)]);
  reloading.resolve();
  assertEquals(await names, ["device 2", "device 2", "device 2"]);
  assertEquals([model.loss, freed, told], [null, ["device 1"], ["device 2"]]);
});

Deno.test("LastingModel lets other errors be", async () => {
  const { model, freed } = setUp();
  const error = new RangeError("Cannot run: it is another thing");
  const run = () => model.run(() => Promise.reject(error));
  assert(await assertRejects(run) === error);
  assertEquals([model.loss, freed], [null, []]);
});

Deno.test("LastingModel ends the wait of those who give up, and goes on loading", async () => {
  const reloading = Promise.withResolvers<void>();
  const { model, fail, name } = setUp(() => reloading.promise);
  await assertRejects(fail);
  const controller = new AbortController();
  const { signal } = controller;
  const never = async function* () {
    yield await Promise.reject(new Error("nobody may get here"));
  };
  const first = assertRejects(() => model.stream(never, signal).next());
  const reason = new Error("Cannot wait: it is late");
  controller.abort(reason);
  assert(await first === reason);
  // Who comes with a signal that is aborted does not wait at all.
  const late = () => model.stream(never, signal).next();
  assert(await assertRejects(late) === reason);
  reloading.resolve();
  assertEquals(await name(), "device 2");
});

Deno.test("LastingModel tries again what could not be loaded", async () => {
  let fails = 2;
  const { model, told, freed, fail, name } = setUp(() =>
    fails-- > 0 ? Promise.reject(new Error("no GPU")) : Promise.resolve()
  );
  await assertRejects(fail);
  const says = "Cannot load the model again after its GPU was lost: no GPU";
  for (let i = 0; i < 2; i++) {
    await assertRejects(name, DeviceLostError, says);
    assertEquals(model.loss?.message, says);
  }
  assertEquals(await name(), "device 2");
  assertEquals([model.loss, told, freed], [null, ["device 2"], ["device 1"]]);
});

Deno.test("LastingModel keeps nothing that comes after its end", async () => {
  const reloading = Promise.withResolvers<void>();
  const { model, freed, told, fail, name } = setUp(() => reloading.promise);
  await assertRejects(fail);
  const waiting = assertRejects(name, Error, "has been disposed of");
  model[Symbol.dispose]();
  reloading.resolve();
  await waiting;
  model[Symbol.dispose]();
  assertEquals([freed, told], [["device 1", "device 2"], []]);
});
