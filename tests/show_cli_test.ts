/** `moeno show` as a process. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { fromFileUrl } from "@std/path";
import { moeno } from "./_program.ts";
import { tempDirectory } from "./_tiny_checkpoint.ts";

const BUNDLED = fromFileUrl(
  new URL("../models/stories-17m-q", import.meta.url),
);

async function sha256(path: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  return new Uint8Array(hash).toHex();
}

Deno.test("show says what a model is and takes, as loaded", async () => {
  const { code, stdout, stderr } = await moeno(["show"]);
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^stories-17m-q\n/);
  assertMatch(stdout, /^ {2}parameters +17\.4 M, 81\.1 % of them in experts$/m);
  assertMatch(stdout, /^ {2}for a token +6\.8 M$/m);
  assertMatch(stdout, /^ {2}experts +HQQ 4 bits, groups of 64 along axis 0, /m);
  assertMatch(stdout, /^ {2}8 slots +11\.8 MiB of weights$/m);
  const asLoaded = await moeno(
    ["show", "stories-17m", "--expert-bits", "2", "--json"],
  );
  const { bytes, weights, chatTemplate, config } = JSON.parse(asLoaded.stdout);
  assertEquals([weights.attn.bits, weights.experts.bits], [16, 2]);
  assertEquals(config.numLocalExperts, 8);
  // 2 bits a weight; a byte of scale and of zero for 16 weights; their scales.
  const count = 3 * 256 * 384;
  assert(bytes.expert > count * (1 / 4 + 2 / 16));
  assert(bytes.expert < count * (1 / 4 + 3 / 16));
  const template = await moeno(["show", "--template"]);
  assertEquals(template.stdout.trimEnd(), chatTemplate.trimEnd());
});

Deno.test("show --check finds a file that is not what its hub has", async () => {
  using place = tempDirectory();
  const directory = `${place.path}/models/me/tales`;
  await Deno.mkdir(directory, { recursive: true });
  const files = [];
  for await (const { name } of Deno.readDir(BUNDLED)) {
    await Deno.copyFile(`${BUNDLED}/${name}`, `${directory}/${name}`);
    const path = `${directory}/${name}`;
    const byteLength = (await Deno.stat(path)).size;
    files.push({ path: name, byteLength, sha256: await sha256(path) });
  }
  const source = {
    ...{ endpoint: "https://hub.example", owner: "me", name: "tales" },
    ...{ revision: "main", commit: "0123456789", pulledAt: "2026-01-02" },
    files,
  };
  await Deno.writeTextFile(
    `${directory}/moeno-source.json`,
    JSON.stringify(source),
  );
  const env = { MOENO_HOME: place.path };
  const check = () => moeno(["show", "me/tales", "--check"], { env });
  const right = await check();
  assertEquals([right.code, right.stderr], [0, "# all 5 files are right\n"]);
  assertMatch(
    right.stdout,
    /^ {2}from +https:\/\/hub\.example\/me\/tales, main, commit 01234567$/m,
  );
  // The same length, another byte.
  const path = `${directory}/model.safetensors`;
  using file = await Deno.open(path, { read: true, write: true });
  await file.seek(-1, Deno.SeekMode.End);
  const last = new Uint8Array(1);
  await file.read(last);
  last[0]! ^= 1;
  await file.seek(-1, Deno.SeekMode.End);
  await file.write(last);
  await Deno.writeTextFile(`${directory}/generation_config.json`, "{}");
  const wrong = await check();
  assertEquals(wrong.code, 1);
  assertStringIncludes(
    wrong.stderr,
    "generation_config.json, model.safetensors is not what its hub has",
  );
  assertMatch(wrong.stdout, /^ {2}changed +generation_config\.json: not as /m);
});

Deno.test("show says in a sentence what does not go", async () => {
  const refused: [string[], number, string][] = [
    [["show", "a", "b"], 2, "show has 2 models, wanted one"],
    [["show", "--template", "--json"], 2, "does not go with --json"],
    [["show", "nobody/none"], 1, "moeno pull nobody/none fetches one"],
    [["show", "--check"], 1, "nobody gave hashes for its files"],
  ];
  for (const [args, code, message] of refused) {
    const result = await moeno(args);
    assertEquals([result.code, result.stdout], [code, ""]);
    assertStringIncludes(result.stderr, message);
  }
});
