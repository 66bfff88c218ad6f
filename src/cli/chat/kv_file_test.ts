import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Message } from "../../text/chat_template.ts";
import { fakeEngine, fakeProcess } from "../_fake_engine.ts";
import { Conversation } from "./conversation.ts";
import { loadKv, saveKv } from "./kv_file.ts";
import type { Session } from "./session.ts";

/** A chat of one turn whose engine writes a word. */
function session() {
  const conversation = new Conversation("be nice");
  conversation.add("q", "a", { isAgain: false });
  const process = fakeProcess();
  const saved: unknown[] = [];
  const engine = {
    ...fakeEngine(),
    async saveState(path: string, of?: readonly Message[]) {
      saved.push(of?.map(({ content }) => content));
      await Deno.writeTextFile(path, "state");
      return { tokenCount: 7, byteLength: 2048 };
    },
    loadState: () => Promise.reject(new Error("Cannot load: \x1b[31m")),
  };
  const session: Pick<Session, "conversation" | "engine" | "io"> = {
    ...{ conversation, engine, io: process.io },
  };
  return { session, process, saved };
}

Deno.test("saveKv() writes those of the conversation, and says when they go", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { session: chat, process, saved } = session();
    const path = `${folder}/x.json`;
    await saveKv(path, chat, false);
    await saveKv(path, chat, true);
    assertEquals(saved, [["be nice", "q", "a", ""]]);
    await saveKv(path, chat, false);
    assertEquals(process.stderr.split("\n"), [
      "Saved keys and values of 7 tokens, 2.0 KiB",
      "Its keys and values of before are gone; /save --kv writes them.",
      "",
    ]);
    assertEquals(await Array.fromAsync(Deno.readDir(folder)), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("loadKv() tells no terminal what a file says", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { session: chat, process } = session();
    await Deno.writeTextFile(`${folder}/x.kv.safetensors`, "");
    await loadKv(`${folder}/x.json`, chat);
    assertStringIncludes(process.stderr, "; the next message reads the");
    assert(!process.stderr.includes("\x1b"), process.stderr);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
