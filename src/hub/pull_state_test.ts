import { assertEquals } from "@std/assert";
import { type FileState, parsePullState, PullState } from "./pull_state.ts";

function parsed(files: unknown): Record<string, FileState> {
  return Object.fromEntries(parsePullState(JSON.stringify({ files })));
}

Deno.test("PullState goes on with what was saved, and with nothing else", async () => {
  const path = await Deno.makeTempDir({ prefix: "moeno-test-" });
  try {
    await Deno.writeTextFile(`${path}/a`, "0123456789");
    const state = await PullState.open(path);
    state.set("a", { content: "sha256:x", ranges: [], isVerified: false });
    state.wrote("a", [0, 4]);
    state.wrote("a", [6, 10]);
    await state.save();
    state.wrote("a", [4, 6]);
    const { ranges } = (await PullState.open(path)).get("a")!;
    assertEquals(ranges, [[0, 4], [6, 10]]);
    await state.save();
    await state.save();
    assertEquals((await PullState.open(path)).get("a"), {
      content: "sha256:x",
      ranges: [[0, 10]],
      isVerified: false,
    });
    await state.remove();
    assertEquals((await PullState.open(path)).get("a"), undefined);
    await state.remove();
  } finally {
    await Deno.remove(path, { recursive: true });
  }
});

Deno.test("parsePullState() takes nothing for granted", () => {
  const good = { content: "c", ranges: [[0, 4]], isVerified: true };
  assertEquals(
    parsed({ good }),
    { good } as unknown as Record<string, FileState>,
  );
  for (const text of ["", "{", "null", "[]", "7", '{"files":7}']) {
    assertEquals(parsePullState(text).size, 0, text);
  }
  for (
    const ranges of [
      null,
      [[0]],
      [[4, 4]],
      [[-1, 4]],
      [[0, 4], [4, 8]],
      [[6, 8], [0, 4]],
      [["0", 4]],
      [[0, 1e99]],
    ]
  ) assertEquals(parsed({ bad: { ...good, ranges } }), {}, String(ranges));
  assertEquals(parsed({ bad: null, worse: { ...good, content: 1 } }), {});
});
