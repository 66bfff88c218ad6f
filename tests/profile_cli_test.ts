/** `--profile` on the command line, as a process; that of `bench` in `bench_test.ts`. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { moeno } from "./_program.ts";

const GENERATE = ["generate", "Once upon a time", "--temperature", "0"]
  .concat("--max-tokens", "6", "--slots", "3", "--quiet");

/** Fails unless there is a table of both phases, and the note. */
function checkTable(text: string, roles: readonly string[]): void {
  assertMatch(
    text,
    /^prefill: \d+ tokens, \d+ steps?; [\d.]+ ms of [\d.]+ ms/m,
  );
  assertMatch(text, /^decode: \d+ tokens; [\d.]+ ms of [\d.]+ ms a token in/m);
  assertMatch(text, /^Measured: VRAM [\d.]+ GB\/s, link [\d.]+ GB\/s\.$/m);
  assertStringIncludes(text, "timed on its own, one after the other");
  for (const role of roles) {
    assert(text.split("\n").some((line) => line.startsWith(role)), role);
  }
}

Deno.test("generate --profile tells on stderr where the time went, and the same text", async () => {
  const plain = await moeno(GENERATE);
  assertEquals([plain.code, plain.stderr], [0, ""]);
  for (
    const [residency, role] of [
      ["gpu", "missing experts, over the link  fetch"],
      ["cpu", "expert, over the link  copy"],
    ] as const
  ) {
    const flags = [...GENERATE, "--residency", residency];
    const { code, stdout, stderr } = await moeno([...flags, "--profile"]);
    assertEquals([code, stdout], [0, plain.stdout], stderr);
    checkTable(stderr, ["embedding", "w1, w3", "lm_head", role]);
  }
});

Deno.test("generate --profile --json has the profile in its object", async () => {
  const { stdout, stderr } = await moeno([...GENERATE, "--profile", "--json"]);
  const { profile, completionTokens } = JSON.parse(stdout);
  assertEquals(completionTokens, 6);
  assertEquals(
    profile.phases.map(({ name, tokenCount }: Record<string, unknown>) => [
      name,
      tokenCount,
    ]),
    [["prefill", 5], ["decode", 5]],
  );
  assert(profile.linkGigabytesPerSecond > 0);
  checkTable(stderr, []);
});

Deno.test("chat --profile tells of all answers when it ends", async () => {
  const { code, stdout, stderr } = await moeno(
    ["chat", "--profile", "--temperature", "0", "--max-tokens", "4"]
      .concat("--slots", "3"),
    { input: "Tell me a story.\nAnother one.\n" },
  );
  assertEquals(code, 0, stderr);
  assertEquals(stdout.trim().split("\n").length, 2);
  assertEquals(stderr.match(/^decode: /gm)?.length, 1);
  checkTable(stderr, ["w1, w3"]);
});
