/** `pull()` from a hub that behaves: what is fetched, kept and told. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import type { PullPlan, PullProgress } from "../mod.ts";
import {
  assertPulled,
  CHOSEN,
  listing,
  MODEL,
  pullLab,
  randomBytes,
} from "./_pull.ts";
import { Random } from "./_random.ts";
import { assertSentence } from "./_sentence.ts";

const WEIGHTS = "model-00001-of-00002.safetensors";

Deno.test("pull() fetches a model in ranges, and says where it is from", async () => {
  await using lab = pullLab();
  const { hub, directory } = lab;
  const plans: PullPlan[] = [];
  const progress: PullProgress[] = [];
  const done: string[] = [];
  const result = await lab.pull({
    onPlan: (plan) => plans.push(plan),
    onProgress: (it) => progress.push(it),
    onFile: ({ path }) => done.push(path),
  });
  await assertPulled(directory, lab.files);
  const sum = CHOSEN.reduce((sum, path) => sum + lab.files[path]!.length, 0);
  const { source } = result;
  assertEquals(
    [result.outcome, result.directory, result.receivedByteLength],
    ["pulled", directory, sum],
  );
  assertEquals(
    JSON.parse(await Deno.readTextFile(`${directory}/moeno-source.json`)),
    JSON.parse(JSON.stringify(source)),
  );
  assertEquals(source.endpoint, hub.endpoint);
  assertEquals(source.commit?.length, 40);
  assertEquals(
    [plans.length, plans[0]!.byteLength, plans[0]!.isHere],
    [1, sum, false],
  );
  assertEquals(
    result.skipped,
    [
      ".gitattributes",
      "README.md",
      "original/consolidated.00.bin",
      "pytorch_model.bin",
    ],
  );
  assertEquals(done.toSorted(), CHOSEN);
  const last = progress.at(-1)!;
  assertEquals(
    [last.doneByteLength, last.doneFileCount, last.inWork],
    [sum, CHOSEN.length, []],
  );
  // By commit, so that all files are of one state; in parts of a megabyte.
  const files = hub.requests.filter(({ path }) => path.includes("/resolve/"));
  assert(
    files.every(({ path }) => path.includes(`/resolve/${source.commit}/`)),
  );
  const ranges = files.filter(({ port, path }) =>
    port === "cdn" && path.includes(WEIGHTS)
  ).map(({ range }) => range).sort();
  assertEquals(ranges, [
    "bytes=0-1048575",
    "bytes=1048576-2097151",
    "bytes=2097152-3145727",
    "bytes=3145728-3500000",
  ]);
});

Deno.test("pull() shows its token to the hub, but not where that sends it", async () => {
  await using lab = pullLab();
  await lab.pull({ token: "hush" });
  const seen = (port: string) =>
    new Set(
      lab.hub.requests.filter((it) => it.port === port)
        .map(({ authorization }) => authorization),
    );
  assertEquals([...seen("hub")], ["Bearer hush"]);
  assertEquals([...seen("cdn")], [null]);

  // An address that names another hub does not get it either.
  lab.hub.requests.length = 0;
  const { pull } = await import("../mod.ts");
  await pull(`${lab.hub.endpoint}/${MODEL}`, {
    ...{ token: "hush", home: lab.home, endpoint: "http://127.0.0.1:1" },
  });
  assertEquals([...seen("hub")], [null]);

  // What others could read on its way is not sent, nor what would be told of.
  lab.hub.requests.length = 0;
  const open = { home: lab.home, endpoint: "http://hub.invalid" };
  for (
    const refused of [
      () => pull(MODEL, { ...open, token: "hush" }),
      () => lab.pull({ token: "hush\nhush" }),
    ]
  ) {
    const { message } = await assertRejects(refused, Error, "Cannot send the");
    assert(!message.includes("hush"), message);
  }
  assertEquals(lab.hub.requests, []);
});

Deno.test("pull() does nothing if all is here, and mends what is not", async () => {
  await using lab = pullLab();
  const { hub, directory } = lab;
  await lab.pull();
  hub.requests.length = 0;
  assertEquals((await lab.pull()).outcome, "unchanged");
  assertEquals(hub.requests.length, 1);
  await assertPulled(directory, lab.files);

  await Deno.truncate(`${directory}/${WEIGHTS}`, 99);
  const mended = await lab.pull();
  assertEquals(mended.outcome, "updated");
  assertEquals(mended.receivedByteLength, lab.files[WEIGHTS]!.length);
  await assertPulled(directory, lab.files);

  // Of the right length, but with other bytes: only --force looks for that.
  await Deno.writeFile(
    `${directory}/${WEIGHTS}`,
    new Uint8Array(lab.files[WEIGHTS]!.length),
  );
  assertEquals((await lab.pull()).outcome, "unchanged");
  const forced = await lab.pull({ force: true });
  assertEquals(forced.receivedByteLength, forced.byteLength);
  await assertPulled(directory, lab.files);
});

Deno.test("pull() fetches of a new version only what is new", async () => {
  await using lab = pullLab();
  const { hub, directory } = lab;
  const first = await lab.pull();
  const old = `${directory}/model-00002-of-00002.safetensors`;
  const { ino } = await Deno.stat(old);
  const files: typeof lab.files = {
    ...lab.files,
    [WEIGHTS]: randomBytes(new Random(2))(2_000_000),
    // As long as before.
    "tokenizer.json": new TextEncoder().encode('{"version":"1.1"}'),
  };
  delete files["generation_config.json"];
  const commit = hub.publish(MODEL, files);
  const plans: PullPlan[] = [];
  const second = await lab.pull({ onPlan: (plan) => plans.push(plan) });
  assertEquals(second.outcome, "updated");
  assertEquals(
    [plans[0]!.earlierCommit, plans[0]!.commit],
    [first.source.commit, commit],
  );
  assertEquals(second.receivedByteLength, 2_000_017);
  const chosen = CHOSEN.filter((path) => path !== "generation_config.json");
  await assertPulled(directory, files, chosen);
  assertEquals((await Deno.stat(old)).ino, ino);

  // Another revision lies beside it.
  hub.publish(MODEL, lab.files, "v1");
  const other = await lab.pull({ revision: "v1" });
  assertEquals(other.directory, `${directory}@v1`);
  await assertPulled(other.directory, lab.files);
});

Deno.test("pull() never writes into what an earlier version left", async () => {
  await using lab = pullLab();
  const { hub, directory } = lab;
  await lab.pull();
  // Somebody changed a file of ours, which is linked and found to be wrong.
  const path = `${directory}/tokenizer.json`;
  await Deno.writeTextFile(path, '{"version":"9.9"}');
  await Deno.link(path, `${lab.home}/kept.json`);
  hub.publish(MODEL, { ...lab.files, "config.json": new Uint8Array(3) });
  const { receivedByteLength } = await lab.pull();
  assertEquals(receivedByteLength, 3 + 17);
  assertEquals(
    await Deno.readTextFile(`${lab.home}/kept.json`),
    '{"version":"9.9"}',
  );
});

Deno.test("pull() goes on where it was stopped, also with another commit", async () => {
  await using lab = pullLab({ chunkByteLength: 1 << 14, pauseMs: 1 });
  const { hub, directory } = lab;
  const controller = new AbortController();
  hub.options.onSent = (byteLength) => {
    if (byteLength > 2_000_000) controller.abort();
  };
  await assertRejects(() => lab.pull({ signal: controller.signal }));
  assertEquals(await listing(directory), []);
  const names = await listing(`${directory}.part`);
  assert(names.includes("pull-state.json"));
  hub.options = {};
  const sum = CHOSEN.reduce((sum, path) => sum + lab.files[path]!.length, 0);
  const commit = hub.publish(MODEL, {
    ...lab.files,
    "new.json": new Uint8Array(9),
  });
  const result = await lab.pull();
  assertEquals(result.source.commit, commit);
  // What was on its way to us when it was stopped is fetched once more.
  const again = result.receivedByteLength + 2_000_000 - sum;
  assert(again < 700_000, `${again} bytes came twice`);
  const files = { ...lab.files, "new.json": new Uint8Array(9) };
  await assertPulled(directory, files, [...CHOSEN, "new.json"]);
  assertEquals(await listing(`${directory}.part`), []);
});

Deno.test("pull() does not trust what is left without a state", async () => {
  await using lab = pullLab();
  const { directory } = lab;
  const part = `${directory}.part`;
  await Deno.mkdir(part, { recursive: true });
  await Deno.writeTextFile(`${part}/manifest.json`, '{"pull":"moeno"}\n');
  const right = lab.files["model-00002-of-00002.safetensors"]!;
  const wrong = new Uint8Array(lab.files[WEIGHTS]!.length);
  await Deno.writeFile(`${part}/model-00002-of-00002.safetensors`, right);
  await Deno.writeFile(`${part}/${WEIGHTS}`, wrong);
  await Deno.writeTextFile(`${part}/config.json`, "half");
  await Deno.writeTextFile(`${part}/stray.txt`, "");
  await Deno.writeTextFile(`${part}/pull-state.json`, "{");
  const { receivedByteLength, byteLength } = await lab.pull();
  assertEquals(receivedByteLength, byteLength - right.length);
  await assertPulled(directory, lab.files);
});

Deno.test("pull() finishes what was all but finished", async () => {
  await using lab = pullLab();
  const { directory } = lab;
  await lab.pull();
  // As after the last rename: the lock and the old version are still there.
  await Deno.writeTextFile(`${directory}/manifest.json`, '{"pull":"moeno"}\n');
  await Deno.mkdir(`${directory}/replaced`);
  const { receivedByteLength } = await lab.pull();
  assertEquals(receivedByteLength, 0);
  await assertPulled(directory, lab.files);
});

Deno.test("pull() fetches other files if told so", async () => {
  await using lab = pullLab();
  await lab.pull();
  const options = { include: ["original/*", "*.md"], exclude: ["*.json"] };
  const { receivedByteLength } = await lab.pull(options);
  const added = ["README.md", "original/consolidated.00.bin"];
  assertEquals(receivedByteLength, 10 + 2000);
  const weights = CHOSEN.filter((path) => path.endsWith(".safetensors"));
  await assertPulled(lab.directory, lab.files, [...weights, ...added]);
});

Deno.test("pull() lists in pages where a hub tells no sizes", async () => {
  await using lab = pullLab({
    fault: ({ path }) =>
      path.includes("/revision/") ? { headers: { "x-no-blobs": "" } } : {},
  });
  await lab.pull();
  await assertPulled(lab.directory, lab.files);
  const trees = lab.hub.requests.filter(({ path }) => path.includes("/tree/"));
  assertEquals(trees.length, 6);
});

Deno.test("pull() asks what it is before it fetches much", async () => {
  await using lab = pullLab();
  await assertRejects(
    () =>
      lab.pull({
        checkConfig: (config) => {
          assertEquals(config, { "model_type": "mixtral" });
          throw new RangeError("Cannot run it");
        },
      }),
    RangeError,
    "Cannot run it",
  );
  assertEquals(lab.hub.requests.length, 2);
  assertEquals(await listing(`${lab.home}/models`), []);
  assertEquals((await lab.pull({ checkConfig() {} })).outcome, "pulled");
});

Deno.test("pull() leaves alone what it did not put there", async () => {
  await using lab = pullLab();
  await Deno.mkdir(lab.directory, { recursive: true });
  await Deno.writeTextFile(`${lab.directory}/thesis.txt`, "mine");
  await assertSentence(
    () => lab.pull(),
    "thesis.txt is there and was not pulled, wanted it moved away, or --force",
  );
  assertEquals(await listing(lab.directory), ["thesis.txt"]);
  await lab.pull({ force: true });
  await assertPulled(lab.directory, lab.files);
  const file = `${lab.home}/file`;
  await Deno.writeTextFile(file, "");
  await assertSentence(
    () => lab.pull({ home: file }),
    `file/models/${MODEL}: a part of the path is not a directory`,
  );
});

Deno.test({
  name: "pull() says that another home helps if this one cannot be written",
  ignore: Deno.build.os === "windows", // links take rights there
  async fn() {
    await using lab = pullLab();
    // A link to nowhere is as good as a folder that is read-only, even for root.
    const home = `${lab.home}/link`;
    await Deno.symlink(`${lab.home}/nowhere`, home);
    await assertSentence(
      () => lab.pull({ home }),
      ", wanted another folder in MOENO_HOME",
    );
  },
});

Deno.test("pull() says when the disk is too small, and fetches nothing", async () => {
  await using lab = pullLab();
  await assertSentence(
    () => lab.pull({}, { freeByteLength: () => Promise.resolve(1 << 20) }),
    `Cannot pull owner/name: 4.5 MiB are to be fetched and 1.0 MiB are free at ${lab.directory}.part, wanted 3.5 MiB more, or MOENO_HOME on another disk`,
  );
  assertEquals(lab.hub.requests.length, 1);
});

Deno.test("pull() lets one process at a time write a model", async () => {
  await using lab = pullLab({ chunkByteLength: 1 << 14, pauseMs: 1 });
  const first = lab.pull();
  while ((await listing(`${lab.directory}.part`)).length < 2) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await assertSentence(() => lab.pull(), "another process is writing it");
  assertEquals((await first).outcome, "pulled");
});
