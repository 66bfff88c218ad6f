import { assert, assertEquals } from "@std/assert";
import {
  HISTORY_LIMIT,
  parseHistory,
  PromptHistory,
} from "./prompt_history.ts";

function tempFolder() {
  const path = Deno.makeTempDirSync();
  return {
    path,
    file: `${path}/home/chat_history.jsonl`,
    [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }),
  };
}

Deno.test("PromptHistory keeps texts from one run to the next", async () => {
  using folder = tempFolder();
  const home = `${folder.path}/home`;
  const first = await PromptHistory.open(home);
  for (const text of ["a", "two\nlines", "two\nlines", " ", "ü"]) {
    assertEquals(await first.add(text), undefined);
  }
  assertEquals(first.texts, ["ü", "two\nlines", "a"]);
  assertEquals((await PromptHistory.open(home)).texts, first.texts);
  if (Deno.build.os !== "windows") {
    assertEquals((await Deno.stat(folder.file)).mode! & 0o777, 0o600);
  }
});

Deno.test("PromptHistory takes what chats side by side add", async () => {
  using folder = tempFolder();
  const home = `${folder.path}/home`;
  const chats = await Promise.all(
    Array.from({ length: 4 }, () => PromptHistory.open(home)),
  );
  await Promise.all(chats.map(async (chat, i) => {
    for (let j = 0; j < 20; j++) await chat.add(`${i} ${j}`);
  }));
  const { texts } = await PromptHistory.open(home);
  assertEquals(texts.length, 80);
  for (let i = 0; i < 4; i++) {
    const own = texts.filter((text) => text.startsWith(`${i} `)).reverse();
    assertEquals(own, Array.from({ length: 20 }, (_, j) => `${i} ${j}`));
  }
});

Deno.test("PromptHistory does not grow without end", async () => {
  using folder = tempFolder();
  await Deno.mkdir(`${folder.path}/home`);
  const lines = Array.from({ length: 2 * HISTORY_LIMIT }, (_, i) => `"${i}"\n`);
  await Deno.writeTextFile(folder.file, lines.join(""));
  const history = await PromptHistory.open(`${folder.path}/home`);
  assertEquals(history.texts.length, HISTORY_LIMIT);
  await history.add("new");
  const kept = (await Deno.readTextFile(folder.file)).trim().split("\n");
  assertEquals(kept.length, HISTORY_LIMIT);
  assertEquals(kept.at(-1), '"new"');
  assertEquals(kept.at(-2), `"${2 * HISTORY_LIMIT - 1}"`);
});

Deno.test("PromptHistory goes on after a crash, and without a folder", async () => {
  using folder = tempFolder();
  await Deno.mkdir(`${folder.path}/home`);
  await Deno.writeTextFile(folder.file, '"a"\nnonsense\n7\n"cut');
  const home = `${folder.path}/home`;
  const history = await PromptHistory.open(home);
  assertEquals(history.texts, ["a"]);
  await history.add("b");
  assertEquals((await PromptHistory.open(home)).texts, ["b", "a"]);
  const none = await PromptHistory.open(null);
  assertEquals(await none.add("x"), undefined);
  assertEquals(none.texts, ["x"]);
  await Deno.writeTextFile(`${folder.path}/file`, "");
  const broken = await PromptHistory.open(`${folder.path}/file`);
  // It says why, once.
  const reason = await broken.add("x");
  const file = `${folder.path}/file/chat_history.jsonl`;
  assert(reason!.startsWith(`Cannot write ${file}: `), reason);
  assertEquals(await broken.add("y"), undefined);
  assertEquals(broken.texts, ["y", "x"]);
});

Deno.test("parseHistory() leaves out what is no text, and repetitions", () => {
  assertEquals(parseHistory('"a"\n"a"\n\n"b"\n{}\n""\n"a"\n'), ["a", "b", "a"]);
});
