import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { parseFlags } from "../args.ts";
import { BENCH_FLAGS, benchOptions } from "./bench_flags.ts";
import { fakeProcess } from "../_fake_engine.ts";
import { main } from "../main.ts";
import { UsageError } from "../usage_error.ts";

const options = (...args: string[]) =>
  benchOptions(parseFlags(BENCH_FLAGS, args).values);

Deno.test("benchOptions() takes values between commas as cases", async () => {
  assertEquals(
    await options(
      ...["--slots", "8,5/4/3,auto", "--expert-bits", "4,2"],
      ...["--policy", "lru,class-lru", "--prefetch", "off,next-layer"],
      ...["--residency", "gpu,cpu"],
      ...["--prompt", "16,512", "--tokens", "64", "--repeat", "5"],
      ...["--synthetic", "tiny", "--hit-rate", ".855,0.72"],
    ),
    {
      slots: [8, [5, 4, 3], "auto"],
      expertBits: [4, 2],
      policy: ["lru", "class-lru"],
      prefetch: ["off", "next-layer"],
      residency: ["gpu", "cpu"],
      promptTokens: [16, 512],
      tokens: 64,
      repeat: 5,
      hitRates: [0.855, 0.72],
      load: {},
    },
  );
});

Deno.test("benchOptions() loads all cases with the other flags", async () => {
  assertEquals(
    await options(
      ...["--offload-per-layer", "0,3", "--attn-bits", "4", "--context", "99"],
      ...["--store", "array-buffer", "--vram", "1G", "--quiet", "--json"],
      ...["--profile"],
    ),
    {
      offloadPerLayer: [0, 3],
      load: {
        attnBits: 4,
        contextLength: 99,
        store: "array-buffer",
        vramByteLength: 2 ** 30,
        profile: true,
      },
    },
  );
});

Deno.test("benchOptions() reads slots of a case from a file", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "6\n5 4\n");
    const { slots } = await options("--slots", `8,@${path},${path}`);
    assertEquals(slots, [8, [6, 5, 4], [6, 5, 4]]);
  } finally {
    await Deno.remove(path);
  }
  await assertRejects(
    () => options("--slots", `@${path}`),
    Error,
    `Cannot read slots from ${path}: there is no such file`,
  );
});

Deno.test("benchOptions() refuses flags that do not go together", async () => {
  for (
    const [args, message] of [
      ["--json --markdown", "--json does not go with --markdown"],
      ["--synthetic tiny --model a", "--synthetic does not go with --model"],
      [
        "--slots 4 --offload-per-layer 4",
        "--slots does not go with --offload-per-layer",
      ],
      ["--slots 4 --hit-rate .9", "--hit-rate needs --synthetic"],
    ] as const
  ) {
    await assertRejects(
      () => options(...args.split(" ")),
      UsageError,
      message,
    );
  }
});

Deno.test("main() answers a wrong bench with a sentence and 2", async () => {
  for (
    const [args, message] of [
      ["--slots 5,x", '--slots is "x", wanted auto, a number such as 5'],
      ["--slots 5,", '--slots is "", wanted auto'],
      ["--expert-bits 4,5", "--expert-bits is 5, wanted one of 16, 8, 4, 3, 2"],
      ["--prefetch on", '--prefetch is "on", wanted one of off, next-layer'],
      ["--residency gpu,", '--residency is "", wanted one of auto, gpu, cpu'],
      ["--prompt 16,0", "--prompt is 0, wanted"],
      ["--hit-rate 1.5", "--hit-rate is 1.5, wanted"],
      ["--trace a", "Unknown flag --trace"],
      ["a", 'bench takes no argument, received "a"; --prompt <n> sets'],
    ] as const
  ) {
    const process = fakeProcess();
    const code = await main(["bench", ...args.split(" ")], process);
    assertEquals([code, process.stdout], [2, ""], args);
    assertStringIncludes(process.stderr, message);
  }
});
