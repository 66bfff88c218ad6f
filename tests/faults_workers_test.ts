/** Workers that end in the midst of their work. */

import { assertEquals } from "@std/assert";
import { toFileUrl } from "@std/path";
import { quantizeModel } from "../mod.ts";
import { count } from "./_counts.ts";
import { assertSameFiles, TINY_GROUPS } from "./_quantize.ts";
import { assertSentence } from "./_sentence.ts";
import { tempDirectory, tinyCheckpoint } from "./_tiny_checkpoint.ts";

/** Has each worker end at its n-th job; `directory` is for its code. */
async function endWorkersAt(
  nth: number,
  directory: string,
): Promise<Disposable> {
  const { Worker } = globalThis;
  const path = `${directory}/worker-${nth}.js`;
  const original = new URL(
    "../src/model/quantize_worker.ts",
    import.meta.url,
  );
  await Deno.writeTextFile(
    path,
    `import ${JSON.stringify(original.href)};
const work = self.onmessage;
let count = 0;
self.onmessage = (event) => {
  if (++count === ${nth}) throw new Error("no luck");
  work(event);
};
`,
  );
  globalThis.Worker = class extends Worker {
    constructor(_url: string | URL, options?: WorkerOptions) {
      super(toFileUrl(path), options);
    }
  };
  return { [Symbol.dispose]: () => void (globalThis.Worker = Worker) };
}

Deno.test("quantizeModel() says that a worker ended, and the next run goes on", async () => {
  const config = { "num_local_experts": 2, "num_hidden_layers": 2 };
  using source = await tinyCheckpoint({ dtype: "BF16", config });
  using place = tempDirectory();
  const wanted = `${place.path}/wanted`;
  const target = `${place.path}/target`;
  const options = { ...TINY_GROUPS, workerCount: 2, isSharded: true } as const;
  await quantizeModel(source.path, wanted, options);
  const places = [1, 2, 7]; // of about a dozen jobs each
  for (const nth of places) {
    {
      using _end = await endWorkersAt(nth, place.path);
      await assertSentence(
        () => quantizeModel(source.path, target, options),
        "Cannot quantize: a worker ended (Uncaught Error: no luck)",
      );
    }
    const isThere = await Deno.stat(target).then(() => true, () => false);
    assertEquals(isThere, false, `half a model after job ${nth}`);
    await quantizeModel(source.path, target, options);
    assertSameFiles(target, wanted);
    await Deno.remove(target, { recursive: true });
  }
  count("workers that end", "faults injected", places.length);
  count("workers that end", "recoveries", places.length);
});
