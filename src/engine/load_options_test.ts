import { assertThrows } from "@std/assert";
import { checkLoadOptions, type LoadOptions } from "./load_options.ts";

Deno.test("checkLoadOptions() refuses words and numbers that mean nothing", () => {
  const cases: [Record<string, unknown>, string][] = [
    [{ policy: "fifo" }, 'policy is "fifo", wanted one of lru, lfu, class-lru'],
    [{ store: "toString" }, 'store is "toString", wanted one of auto, pinned'],
    [{ prefetch: "on" }, 'prefetch is "on", wanted one of off, next-layer, a'],
    [{ residency: "me" }, 'residency is "me", wanted one of auto, gpu, cpu'],
    [
      { activations: "int4" },
      'activations is "int4", wanted one of float32, i',
    ],
    [{ prefetchExperts: 1.5 }, "prefetchExperts is 1.5, wanted a positive wh"],
    [{ chunkSize: 0 }, "chunkSize is 0, wanted a positive whole number"],
    [{ promptCacheBytes: -1 }, "promptCacheBytes is -1, wanted a number of by"],
    [{ promptCacheBytes: NaN }, "promptCacheBytes is NaN, wanted a number of"],
    [{ expertBits: 5 }, "expertBits is 5, wanted one of 16, 8, 4, 3, 2"],
  ];
  for (const [options, message] of cases) {
    assertThrows(
      () => checkLoadOptions(options as LoadOptions),
      RangeError,
      `Cannot load the model: ${message}`,
    );
  }
  checkLoadOptions({
    policy: "lfu",
    store: "disk",
    prefetch: "auto",
    residency: "gpu",
    prefetchExperts: 1,
    promptCacheBytes: 0,
  });
});
