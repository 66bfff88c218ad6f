/** `moeno trace` as a process: from a recorded file to tables, files and slots. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { parseTrace, prefetchRecall, type TraceReport } from "../mod.ts";
import { moeno } from "./_program.ts";
import { tempDirectory } from "./_tiny_checkpoint.ts";

const STORIES = fromFileUrl(
  new URL("testdata/routing/stories_17m.trace", import.meta.url),
);

Deno.test("trace goes from a run to slots that the next run reads", async () => {
  using place = tempDirectory();
  const env = { MOENO_HOME: place.path };
  const file = (name: string) => `${place.path}/${name}`;
  const generate = (...flags: string[]) =>
    moeno([
      ...["generate", "Once upon a time", "--max-tokens", "24"],
      ...["--temperature", "0", ...flags],
    ], { env });
  const first = await generate(
    ...["--trace", file("t.trace"), "--trace-ahead", "5,2,1,2"],
  );
  assertEquals(first.code, 0, first.stderr);
  const recorded = parseTrace(await Deno.readFile(file("t.trace")));
  assertEquals(recorded.farDepths, [2, 5]);

  const { code, stdout, stderr } = await moeno([
    ...["trace", file("t.trace"), "--json", "--slots-total", "25"],
    ...["--policies", "class-lru,lru", "--suggest", file("slots.txt")],
    ...["--svg", file("t.svg"), "--html", file("t.html")],
  ], { env });
  assertEquals(code, 0, stderr);
  const report: TraceReport = JSON.parse(stdout);
  assertEquals(report.model, "stories-17m-q");
  assertEquals([report.layerCount, report.expertCount, report.topK], [6, 8, 2]);
  assertEquals(report.use.tokenCount, 23);
  assertEquals(
    report.hitRates.map(({ policy }) => policy),
    ["class-lru", "lru", "belady"],
  );
  assertEquals(report.prefetchRecall, prefetchRecall(recorded));
  const suggestion = report.suggestion!;
  assertEquals(suggestion.policy, "class-lru");
  assertEquals(suggestion.slots.reduce((sum, count) => sum + count, 0), 25);
  assertEquals(
    stderr,
    `# ${file("t.svg")}: the picture\n# ${file("t.html")}: the page\n` +
      `# ${file("slots.txt")}: slots of 6 layers; use them by chat --slots ${
        file("slots.txt")
      }\n`,
  );
  const svg = await Deno.readTextFile(file("t.svg"));
  assertStringIncludes(svg, "5 layers ahead");
  assertStringIncludes(await Deno.readTextFile(file("t.html")), svg);

  const second = await generate("--slots", file("slots.txt"), "--plan");
  assertEquals(second.code, 0, second.stderr);
  assertEquals(second.stdout, first.stdout);
  assertStringIncludes(second.stderr, "- Slots: 25, as asked for");
});

Deno.test("trace shows tables on stdout, in text and in Markdown", async () => {
  const text = await moeno(["trace", STORIES, "--slots-total", "24"]);
  assertEquals([text.code, text.stderr], [0, ""]);
  for (
    const line of [
      "stories-17m: 512 decoded tokens; 6 layers of 8 experts, of which a token uses 2",
      "slots    lru    lfu  class-lru  Belady",
      "    4   55.7   51.9       56.0    70.8",
      "           1     46.9       80.7       90.1",
      "For more layers ahead record the trace with --trace-ahead 2,10 or others.",
      "suggested: --slots 4,6,5,5,2,2",
    ]
  ) assertStringIncludes(text.stdout, `${line}\n`);
  assert(!text.stdout.includes("\x1b"));
  const flags = ["--markdown", "--layers", "--policies", "lru"];
  const { stdout } = await moeno(["trace", STORIES, ...flags]);
  assertStringIncludes(stdout, "## Routing of stories-17m\n");
  assertStringIncludes(stdout, "| slots |   lru | Belady |\n");
  assertStringIncludes(stdout, "|     5 | 33.6 | 44.3 |");
  assertEquals(stdout.match(/^### /gm)!.length, 6);
});

Deno.test("trace plans slots for an amount of VRAM and a model", async () => {
  const flags = ["--vram", "19MiB", "--model", "models/stories-17m-q"];
  const { code, stdout, stderr } = await moeno(
    ["trace", STORIES, "--json", ...flags],
  );
  assertEquals(code, 0, stderr);
  const { suggestion }: TraceReport = JSON.parse(stdout);
  const plan = await moeno([
    ...["generate", "a", "--max-tokens", "1", "--plan", ...flags],
    ...["--slots", suggestion!.slots.join(",")],
  ]);
  // What was suggested fits.
  assertEquals(plan.code, 0, plan.stderr);
});

Deno.test("trace prints its report even if a file cannot be written", async () => {
  const { code, stdout, stderr } = await moeno(
    ["trace", STORIES, "--svg", "/none/a.svg", "--quiet"],
  );
  assertEquals(code, 1);
  assertStringIncludes(stdout, "Hit rate by slots");
  assertEquals(
    stderr,
    "error: Cannot write /none/a.svg: there is no such directory\n",
  );
});

Deno.test("trace says in a sentence what does not go", async () => {
  using place = tempDirectory();
  const path = `${place.path}/cut.trace`;
  const bytes = await Deno.readFile(STORIES);
  await Deno.writeFile(path, bytes.subarray(0, 1000));
  const text = `${place.path}/text`;
  await Deno.writeTextFile(text, "Once upon a time");
  const cases: [string[], number, string][] = [
    [[], 2, "trace has 0 files, wanted one: that of chat --trace <file>"],
    [[STORIES, STORIES], 2, "trace has 2 files, wanted one"],
    [["/none"], 1, "Cannot read /none: there is no such file"],
    [[place.path], 1, "it is a directory"],
    [[path], 1, `Cannot read ${path}: `],
    [[text], 1, `it does not begin with "moenort1"; chat --trace`],
    [
      [STORIES, "--policies", "lru,fifo"],
      2,
      "wanted some of lru,lfu,class-lru",
    ],
    [[STORIES, "--suggest", "x"], 2, "--suggest needs --slots-total <n>, or"],
    [[STORIES, "--slots-total", "11"], 1, "wanted at least 12"],
    [[STORIES, "--slots-total", "24", "--vram", "1G"], 2, "does not go with"],
    [[STORIES, "--context", "9"], 2, "--context needs --vram"],
    [[STORIES, "--json", "--markdown"], 2, "--json does not go with"],
    [[STORIES, "--vram", "1G", "--model", "/none"], 1, "Cannot read /none"],
  ];
  for (const [args, wanted, says] of cases) {
    const { code, stdout, stderr } = await moeno(["trace", ...args]);
    assertStringIncludes(stderr, says);
    assert(/^error: [^\n]+\n$/.test(stderr), stderr);
    assertEquals([code, stdout], [wanted, ""]);
  }
});
