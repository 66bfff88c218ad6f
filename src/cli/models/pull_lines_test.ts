import { assert, assertEquals } from "@std/assert";
import type { PullProgress } from "../../hub/pull_options.ts";
import { describeKinds, pullLines } from "./pull_lines.ts";
import { RateMeter } from "./rate_meter.ts";

const PROGRESS: PullProgress = {
  doneByteLength: 3 * 2 ** 29,
  totalByteLength: 3 * 2 ** 30,
  receivedByteLength: 2 ** 29,
  doneFileCount: 3,
  fileCount: 9,
  inWork: [
    {
      path: "model-00001-of-00003.safetensors",
      doneByteLength: 45,
      byteLength: 100,
      isChecking: false,
    },
    {
      path: "tokenizer.json",
      doneByteLength: 9,
      byteLength: 9,
      isChecking: true,
    },
  ],
};

Deno.test("pullLines() says total, rate, time left and files in work", () => {
  const size = { columns: 120, rows: 24 };
  assertEquals(pullLines(PROGRESS, { rate: 2 ** 24, ...size }), [
    "pulling [##########..........] 1.5 of 3.0 GiB, 16.0 MiB/s, 1 min 36 s left; 3 of 9 files",
    "  model-00001-of-00003.safetensors   45 %",
    "  tokenizer.json                    checking",
  ]);
  const [stalled] = pullLines(PROGRESS, { rate: 0, ...size });
  assert(stalled!.includes("1.5 of 3.0 GiB, nothing comes; 3 of 9"), stalled);
});

Deno.test("pullLines() fits the terminal, without the bar if need be", () => {
  for (const columns of [10, 30, 60, 70, 80, 100]) {
    const lines = pullLines(PROGRESS, { rate: 2 ** 24, columns, rows: 3 });
    assertEquals(lines.length, 2);
    assert(lines.every((line) => line.length < columns));
  }
  const narrow = pullLines(PROGRESS, { rate: 2 ** 24, columns: 70, rows: 9 });
  assertEquals(
    narrow[0],
    "pulling 1.5 of 3.0 GiB, 16.0 MiB/s, 1 min 36 s left; 3 of 9 files",
  );
});

Deno.test("pullLines() counts columns, and tells the terminal nothing", () => {
  const [first] = PROGRESS.inWork;
  const inWork = [
    { ...first!, path: "模型-00001-of-00003.safetensors" },
    { ...first!, path: "x\x9b2J.json" },
  ];
  const options = { rate: null, rows: 24 };
  assertEquals(
    pullLines({ ...PROGRESS, inWork }, { ...options, columns: 80 }).slice(1),
    [
      "  模型-00001-of-00003.safetensors   45 %",
      "  x\uFFFD2J.json                         45 %",
    ],
  );
  assertEquals(
    pullLines({ ...PROGRESS, inWork }, { ...options, columns: 41 })[1],
    "  …-00001-of-00003.safetensors   45 %",
  );
});

Deno.test("describeKinds() names the kinds of most files first", () => {
  const paths = [".gitattributes", "a.md", "x.bin", "y.bin", "original/z"];
  assertEquals(
    describeKinds(paths, 9),
    "*.bin, .gitattributes, *.md, original/*",
  );
  assertEquals(describeKinds(paths, 2), "*.bin, .gitattributes, ...");
  assertEquals(describeKinds(["\x1b]0;me\x07\n/a"], 2), "\uFFFD]0;me\uFFFD /*");
});

Deno.test("RateMeter follows the last ten seconds", () => {
  const meter = new RateMeter();
  assertEquals(meter.rate(), null);
  meter.note(0, 0);
  meter.note(100, 100);
  assertEquals(meter.rate(), null);
  for (let s = 1; s <= 20; s++) meter.note(1000 * s, 1000 * s);
  assertEquals(meter.rate(), 1000);
  for (let s = 21; s <= 40; s++) meter.note(20_000, 1000 * s);
  assertEquals(meter.rate(), 0);
});
