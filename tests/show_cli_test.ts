/** `moeno show` as a process: a bundled model, one that was pulled, a broken one. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { moeno } from "./_program.ts";
import { STORIES, tempDirectory } from "./_tiny_checkpoint.ts";

const QUANTIZED = `${STORIES}-q`;

Deno.test("show says what a model is, in words, as JSON, as it would be loaded", async () => {
  const [words, json, loaded, template] = await Promise.all([
    moeno(["show"]),
    moeno(["show", QUANTIZED, "--json"]),
    moeno(["show", STORIES, "--json", "--expert-bits", "2", "--context", "64"]),
    moeno(["show", QUANTIZED, "--template"]),
  ]);
  assertEquals([words.code, words.stderr], [0, ""]);
  for (
    const line of [
      /^stories-17m-q$/m,
      /^ {2}experts +8 a layer, 2 for a token$/m,
      /^ {2}parameters +17\.4 M, 6\.8 M active for a token$/m,
      /^ {2}experts +4 bits \(4\.26 with scales\), block packing$/m,
      /^ {2}2 slots a layer +1\.8 MiB, [\d.]+ MiB with trunk and KV cache$/m,
      /^ {2}ends with +<\/s> \(2\)$/m,
      /^ {2}model\.safetensors +11\.9 MiB$/m,
    ]
  ) assert(line.test(words.stdout), `${line} in ${words.stdout}`);

  assertEquals([json.code, json.stderr], [0, ""]);
  const model = JSON.parse(json.stdout);
  const { expert, experts, slots, layerExperts } = model.byteLengths;
  assertEquals([experts, layerExperts], [48 * expert, 8 * expert]);
  assertEquals([slots.length, slots[7]], [8, experts]);
  assertEquals(model.source, null);
  assertEquals(template, { ...template, code: 0, stdout: model.chatTemplate });

  const { weights, byteLengths } = JSON.parse(loaded.stdout);
  assertEquals(
    [weights.experts.bits, weights.experts.storedBits, weights.attn.type],
    [2, 16, "BF16"],
  );
  assertEquals(weights.experts.groupSize, 16);
  assert(byteLengths.expert < expert && byteLengths.contextLength === 64);
});

Deno.test("show checks a pulled model, and tells of files that changed", async () => {
  using place = tempDirectory();
  const directory = `${place.path}/model`;
  await Deno.mkdir(directory);
  const files: unknown[] = [];
  for await (const { name: path } of Deno.readDir(QUANTIZED)) {
    const bytes = await Deno.readFile(`${QUANTIZED}/${path}`);
    await Deno.writeFile(`${directory}/${path}`, bytes);
    const sha256 = path.endsWith(".safetensors")
      ? createHash("sha256").update(bytes).digest("hex")
      : null;
    const gitSha1 = path === "config.json"
      ? createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes)
        .digest("hex")
      : null;
    files.push({ path, byteLength: bytes.length, sha256, gitSha1 });
  }
  const source = {
    ...{ owner: "owner", name: "tales", revision: "main", files },
    ...{ endpoint: "https://hub.example", commit: "c0ffee" },
    pulledAt: "2026-11-26T06:00:00.000Z",
  };
  const text = JSON.stringify(source);
  await Deno.writeTextFile(`${directory}/moeno-source.json`, text);

  const right = await moeno(["show", directory, "--check"]);
  assertEquals(
    [right.code, right.stderr],
    [
      0,
      "# 2 of 5 files have the right hash; of 3 the hub said no hash, their lengths are right\n",
    ],
  );
  assertStringIncludes(right.stdout, "https://hub.example/owner/tales\n");

  // A byte that only the hash tells of.
  const weights = `${directory}/model.safetensors`;
  const bytes = await Deno.readFile(weights);
  bytes[bytes.length - 1]! ^= 1;
  await Deno.writeFile(weights, bytes);
  await Deno.writeTextFile(`${directory}/generation_config.json`, "{}");
  const wrong = await moeno(["show", directory, "--check", "--json"]);
  assertEquals(wrong.code, 1);
  const { checked, isWhole } = JSON.parse(wrong.stdout);
  const outcomes = Object.fromEntries(
    checked.map(({ path, outcome }: Record<string, string>) => [path, outcome]),
  );
  assertEquals(isWhole, false);
  assertEquals(outcomes["model.safetensors"], "wrong");
  assertEquals(outcomes["generation_config.json"], "wrong");
  for (
    const says of [
      "warning: generation_config.json has 2 bytes, wanted 104, ",
      "warning: moeno pull owner/tales mends it\n",
      "model.safetensors is wrong",
      "warning: without what is wrong, moeno pull owner/tales fetches it again",
    ]
  ) assertStringIncludes(wrong.stderr, says);

  // What nobody can read any more is told of, too, and why.
  bytes[0] = 0xff;
  await Deno.writeFile(weights, bytes);
  const broken = await moeno(["show", directory, "--check"]);
  assertEquals([broken.code, broken.stdout], [1, ""]);
  assertStringIncludes(broken.stderr, "model.safetensors is wrong");
  assert(/^error: Cannot read [^\n]+$/m.test(broken.stderr), broken.stderr);

  // What is cut off cannot be shown, but the reason is told.
  await Deno.truncate(weights, 1000);
  const cut = await moeno(["show", directory]);
  assertEquals([cut.code, cut.stdout], [1, ""]);
  assertStringIncludes(cut.stderr, "warning: model.safetensors has 1000 bytes");
  assert(/^error: Cannot [^\n]+$/m.test(cut.stderr), cut.stderr);
});

Deno.test("show says in a sentence what does not go", async () => {
  const cases: [string[], number, string][] = [
    [["a", "b"], 2, "show has 2 models, wanted one"],
    [["--template", "--json"], 2, "wanted it without --json"],
    [["--check"], 1, "wanted a model that moeno pull fetched"],
    [["./nowhere"], 1, "nowhere"],
    [["--expert-bits", "2"], 1, "it is already quantized to 4"],
  ];
  await Promise.all(cases.map(async ([args, wanted, says]) => {
    const { code, stdout, stderr } = await moeno(["show", ...args]);
    assertStringIncludes(stderr, says);
    assert(/^error: [^\n]+\n$/.test(stderr), stderr);
    assertEquals([code, stdout], [wanted, ""]);
  }));
});
