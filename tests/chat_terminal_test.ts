/** Chats on a terminal: keys, streaming, Ctrl-C, history, saved conversations. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { PROGRAM } from "./_program.ts";
import { HAS_TERMINAL, KEYS, Terminal } from "./_terminal.ts";

/** The program with an engine that echoes at 50 tokens a second. */
const ECHO = fromFileUrl(
  new URL("../src/cli/_fake_process.ts", import.meta.url),
);

const { backspace, ctrl, down, enter, left, paste, tab, up } = KEYS;

/** A folder for what the program keeps. */
function tempHome() {
  const home = Deno.makeTempDirSync();
  return {
    home,
    env: { MOENO_HOME: home, NO_COLOR: "1" },
    [Symbol.dispose]: () => Deno.removeSync(home, { recursive: true }),
  };
}

Deno.test({
  name: "chat on a terminal edits lines, streams, stops and goes on",
  ignore: !HAS_TERMINAL,
  async fn() {
    using place = tempHome();
    const { env, home } = place;
    await using chat = await Terminal.open(ECHO, ["chat"], {
      env,
      columns: 160,
    });
    await chat.until("\n>");
    // Backspace takes whole characters, wide and combined ones, too.
    await chat.type("aä日👨‍👩‍👧é😀", backspace, backspace);
    await chat.until(() => chat.line === "> aä日👨‍👩‍👧");
    assertEquals(chat.column, 8);
    await chat.type(backspace, backspace, backspace, left, "x", ctrl("E"), "b");
    await chat.until(() => chat.line === "> xab");
    await chat.type(enter);
    await chat.until("\n<xab>\n");

    // An answer comes piece by piece; Ctrl-C stops it, and the chat goes on.
    await chat.type("y".repeat(400), enter);
    const before = chat.pieces.length;
    await chat.until("<yyyyyyyyyy");
    const during = chat.pieces.slice(before).filter((text) =>
      /^y+$/.test(text)
    );
    assert(during.length > 3, `${during.length} pieces`);
    await chat.type(ctrl("C"));
    await chat.until(/<y{9,300}\n# \d+ tokens: /);
    // What is typed during an answer is there afterwards.
    await chat.type("long answer", enter, "typed ahead");
    await chat.until(() => chat.line === "> typed ahead");
    assertStringIncludes(chat.text, "\n<long answer>\n");

    // Ctrl-C clears the line, Ctrl-U does, too.
    await chat.type(ctrl("C"));
    await chat.until(() => chat.line === ">");
    await chat.type("more", ctrl("U"), "one\\", enter, "two", enter);
    await chat.until("> one\n... two\n<one\ntwo>\n");
    await chat.type('"""', enter, "/a", enter, 'b"""', enter);
    await chat.until('> """\n... /a\n... b"""\n</a\nb>\n');
    await chat.type(paste("l1\nl2\nl3"));
    await chat.until("> l1\n... l2\n... l3");
    await chat.type(enter);
    await chat.until("<l1\nl2\nl3>\n");

    // The history, up to what was typed first and down again; a search.
    await chat.type(up);
    await chat.until(() => chat.line === "... l3");
    for (let i = 0; i < 12; i++) await chat.type(up);
    await chat.until(() => chat.line === "> xab");
    await chat.type(down, ctrl("R"), "answ");
    await chat.until(() => chat.line === "(search) answ: long answer");
    await chat.type(left, "X");
    await chat.until(() => chat.line === "> long answeXr");
    await chat.type(ctrl("W"), ctrl("K"), "");
    await chat.until(() => chat.line === "> long");

    // Another width: the text is drawn anew, and nothing of it twice.
    await chat.type(ctrl("U"), "w".repeat(70));
    await chat.until("w".repeat(70));
    await chat.resize(40);
    await chat.until(`\n> ${"w".repeat(38)}\n${"w".repeat(32)}`);
    await chat.type(backspace);
    await chat.until(() => chat.line === "w".repeat(31));
    await chat.resize(160);
    await chat.until(() => chat.line === `> ${"w".repeat(69)}`);
    await chat.type(ctrl("U"));

    await commands(chat, home);
    await chat.type(ctrl("C"));
    await chat.until("Ctrl-C again");
    await chat.type(ctrl("C"));
    assertEquals(await chat.code(), 130);
  },
});

/** Commands and completion. */
async function commands(chat: Terminal, home: string): Promise<void> {
  await chat.type("/und", tab);
  await chat.until(() => chat.line === "> /undo");
  await chat.type(enter);
  await chat.until("Taken away: l1 l2 l3 (5 turns left)");
  await chat.type("/undo", enter);
  await chat.until("Taken away: /a b (4 turns left)");
  await chat.type("/set top", tab, tab);
  await chat.until("top-k  top-p\n> /set top-");
  await chat.type("k 5", enter);
  await chat.until("top-k 5\n");
  await chat.type("/model nowhere", enter);
  await chat.until("error: Cannot find model nowhere: there is no such");
  await chat.type("/model ./nowhere", enter);
  await chat.until("error: Cannot read nowhere/config.json: there is no");
  await chat.type("/save my chat", enter);
  await chat.until(`Saved 4 turns to ${home}/chats/my chat.json`);
  await chat.type("/clear", enter, "/save my chat", enter);
  await chat.until("There is nothing to save yet");
  await chat.type("z", enter);
  await chat.until("\n<z>\n");
  await chat.type("/save my chat", enter);
  await chat.until(
    "it is there already, wanted another name, or /save --force",
  );
}

Deno.test({
  name: "chat on a terminal knows what was typed and saved in other runs",
  ignore: !HAS_TERMINAL,
  async fn() {
    using place = tempHome();
    const { env, home } = place;
    await Deno.mkdir(`${home}/chats`);
    const messages = [
      { role: "user", content: "q" },
      { role: "assistant", content: "a" },
    ];
    const file = { format: "moeno-chat", version: 1, messages };
    await Deno.writeTextFile(`${home}/chats/old.json`, JSON.stringify(file));
    await Deno.writeTextFile(`${home}/chats/broken.json`, "{}");
    {
      await using chat = await Terminal.open(ECHO, ["chat", "-q"], { env });
      await chat.until("\n>");
      await chat.type("remember me", enter);
      await chat.until("<remember me>");
      await chat.type("/exit", enter);
      assertEquals(await chat.code(), 0);
    }
    assertEquals(
      (await Deno.stat(`${home}/chat_history.jsonl`)).mode! & 0o777,
      0o600,
    );
    {
      await using chat = await Terminal.open(ECHO, ["chat"], {
        env,
        columns: 160,
      });
      await chat.until("\n>");
      await chat.type(up, up);
      await chat.until(() => chat.line === "> remember me");
      await chat.type(ctrl("U"), "/load ol", tab, enter);
      await chat.until("Loaded 1 turn.\nLast answer: a\n");
      await chat.type("/history", enter);
      await chat.until("\n> q\na\n>");
      await chat.type("/load broken", enter);
      await chat.until("it holds no conversation, wanted a file that /save");
      await chat.type(ctrl("D"));
      assertEquals(await chat.code(), 0);
    }
    await using chat = await Terminal.open(ECHO, ["chat", "--no-history"], {
      env,
    });
    await chat.until("\n>");
    await chat.type(up, "new", enter);
    await chat.until("<new>");
    await chat.type(ctrl("D"));
    assertEquals(await chat.code(), 0);
    const kept = await Deno.readTextFile(`${home}/chat_history.jsonl`);
    assert(!kept.includes("new"), kept);
  },
});

Deno.test({
  name: "chat on a terminal that can only write lines sends it no escapes",
  ignore: !HAS_TERMINAL,
  async fn() {
    using place = tempHome();
    const env = { ...place.env, NO_COLOR: "", TERM: "dumb" };
    await using chat = await Terminal.open(ECHO, ["chat"], { env });
    await chat.until("\n>");
    await chat.type("a", enter);
    await chat.until("<a>\n# 3 tokens");
    await chat.type("/help", enter);
    await chat.until("  Ctrl-C  ");
    assert(!chat.text.includes("Ctrl-R"), chat.text); // it knows no such keys
    assert(!chat.pieces.join("").includes("\x1b"), chat.text);
    await chat.type(ctrl("D"));
    assertEquals(await chat.code(), 0);
  },
});

Deno.test({
  name: "chat on a terminal has a real model answer",
  ignore: !HAS_TERMINAL,
  async fn() {
    using place = tempHome();
    const { env } = place;
    const args = ["chat", "--temperature", "0", "--max-tokens", "12"];
    await using chat = await Terminal.open(PROGRAM, args, {
      env,
      columns: 160,
    });
    await chat.until("\n>");
    await chat.type("Tell me a story about a dog.", enter);
    await chat.until("\nOnce upon a time, there was a big dog");
    await chat.until("first token after");
    assertStringIncludes(chat.pieces.join(""), " reading 2");
    assert(!chat.text.includes("reading"), chat.text);
    // The next prompt is not read again, but for what is new.
    await chat.type("/save --kv dog", enter);
    await chat.until(/Saved keys and values of \d+ tokens, \S+ \SiB\n/);
    await chat.type("/clear", enter, "What?", enter);
    await chat.until(/prompt 1\d tokens \(/);
    await chat.type("/load dog", enter);
    await chat.until(/With keys and values: 3\d tokens need not be read again/);
    await chat.type("And then?", enter);
    await chat.until(/prompt \d+ tokens \(3\d cached\)/);
    await chat.type("/stats", enter);
    await chat.until("# 36 tokens in all answers");
    await chat.type(ctrl("D"));
    assertEquals(await chat.code(), 0);
  },
});
