/** `moeno pull` as a process: what it prints, and with which exit codes. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { moeno, start } from "./_program.ts";
import { assertPulled, CHOSEN, listing, MODEL, pullLab } from "./_pull.ts";

Deno.test("pull prints where the model lies, and all else on stderr", async () => {
  await using lab = pullLab();
  const env = { MOENO_HOME: lab.home, HF_ENDPOINT: lab.hub.endpoint };
  const secret = { ...env, HF_TOKEN: "hush" };
  const dry = await moeno(["pull", MODEL, "--dry-run", "-q"], { env });
  assertEquals([dry.code, dry.stderr], [0, ""]);
  assertEquals(dry.stdout.split("\n").length, 1 + CHOSEN.length + 1);
  assert(/^model-00001-of-00002\.safetensors +3\.3 MiB$/m.test(dry.stdout));
  assertEquals(await listing(lab.home), []);

  const first = await moeno(["pull", MODEL], { env: secret });
  assertEquals([first.code, first.stdout], [0, `${lab.directory}\n`]);
  await assertPulled(lab.directory, lab.files);
  for (
    const says of [
      `# 7 files, 4.5 MiB, commit `,
      `# skips 4 files, `,
      `# model-00002-of-00002.safetensors: 1.1 MiB\n`,
      `# pulled: 7 files, 4.5 MiB, every hash is right; 4.5 MiB came in `,
      `# moeno chat -m owner/name talks to it; moeno plan -m owner/name says `,
    ]
  ) assertStringIncludes(first.stderr, says);
  assert(!first.stderr.includes("hush") && !first.stderr.includes("secret"));
  const tokens = lab.hub.requests.filter(({ authorization }) =>
    authorization === "Bearer hush"
  );
  assert(tokens.length > 0 && tokens.every(({ port }) => port === "hub"));

  const again = await moeno(["pull", MODEL, "--json", "-q"], { env });
  assertEquals([again.code, again.stderr], [0, ""]);
  const { outcome, receivedByteLength, source } = JSON.parse(again.stdout);
  assertEquals([outcome, receivedByteLength], ["unchanged", 0]);
  assertEquals(source.files.length, CHOSEN.length);
});

Deno.test("pull stops at Ctrl-C, and the same command goes on", async () => {
  await using lab = pullLab({ chunkByteLength: 1 << 14, pauseMs: 20 });
  const env = { MOENO_HOME: lab.home };
  const args = ["pull", MODEL, "--endpoint", lab.hub.endpoint, "--json", "-q"];
  const child = start(args, { env });
  lab.hub.options.onSent = (sent) => {
    if (sent > 1_000_000) {
      lab.hub.options = {};
      child.kill("SIGINT");
    }
  };
  const { code, stdout, stderr } = await child.output();
  await child.stdin.close().catch(() => {}); // it is gone already
  assertEquals(
    [code, stdout.length, new TextDecoder().decode(stderr)],
    [130, 0, `Stopped; the same command goes on from ${lab.directory}.part\n`],
  );
  const second = await moeno(args, { env });
  const { receivedByteLength, byteLength } = JSON.parse(second.stdout);
  assert(receivedByteLength < byteLength - 500_000);
  await assertPulled(lab.directory, lab.files);
});

Deno.test("pull says in a sentence what does not go", async () => {
  await using lab = pullLab();
  lab.hub.publish("owner/llama", {
    "config.json": new TextEncoder().encode('{"model_type":"llama"}'),
    "model.safetensors": new Uint8Array(9),
  });
  // A Mixtral, but its weights are of a kind that nothing here reads.
  lab.hub.publish("owner/gptq", {
    "config.json": new TextEncoder().encode(
      '{"model_type":"mixtral","quantization_config":{"quant_method":"gptq"}}',
    ),
    "model.safetensors": new Uint8Array(9),
  });
  const env = { MOENO_HOME: lab.home, HF_ENDPOINT: lab.hub.endpoint };
  const cases: [string[], number, string][] = [
    [[], 2, "pull has 0 models, wanted one: <owner/name>"],
    [["nope"], 2, "wanted owner/name, owner/name@revision, or the address"],
    [[MODEL, "--connections", "0"], 2, "--connections is 0, wanted"],
    [[MODEL, "--endpoint", "hub"], 2, "it is no address, wanted one like"],
    [["owner/other"], 1, "has no public model owner/other, wanted"],
    [[MODEL, "--revision", "v9"], 1, "it has no revision v9, wanted a branch"],
    [
      ["owner/llama"],
      1,
      'owner/llama: model_type is "llama", wanted "mixtral"',
    ],
    [["owner/gptq"], 1, 'its weights are quantized by "gptq", wanted'],
  ];
  await Promise.all(cases.map(async ([args, wanted, says]) => {
    const all = ["pull", "-q", ...args];
    const { code, stdout, stderr } = await moeno(all, { env });
    assertStringIncludes(stderr, says);
    assert(/^error: [^\n]+\n$/.test(stderr), stderr);
    assertEquals([code, stdout], [wanted, ""]);
  }));
  assertEquals(await listing(lab.home), []);
  assertEquals(lab.hub.requests.filter(({ port }) => port === "cdn"), []);
});
