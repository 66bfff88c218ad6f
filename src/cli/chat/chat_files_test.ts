import { assertEquals, assertThrows } from "@std/assert";
import { chatPath, nameByDate, pathsFrom, savedNames } from "./chat_files.ts";

Deno.test("chatPath() takes names for files of our folder, and paths as paths", () => {
  assertEquals(chatPath("dog", "/home"), "/home/chats/dog.json");
  assertEquals(chatPath("dog.json", "/home"), "/home/chats/dog.json");
  assertEquals(chatPath("./dog", "/home"), "./dog");
  assertEquals(chatPath("~/a/b", "/home", "/me"), "/me/a/b");
  assertEquals(chatPath("a/~/b", null, "/me"), "a/~/b");
  assertThrows(() => chatPath("dog", null), Error, "wanted a path");
});

Deno.test("nameByDate() sorts by time", () => {
  const name = nameByDate(new Date(2026, 0, 2, 3, 4, 5));
  assertEquals(name, "chat-2026-01-02-030405");
});

Deno.test("pathsFrom() and savedNames() list what is there", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/chats/deep`, { recursive: true });
    for (const name of ["b.json", "a.json", ".c.txt", "\x1b[31m.json"]) {
      await Deno.writeTextFile(`${folder}/chats/${name}`, "");
    }
    const below = `${folder}/chats`;
    assertEquals(await savedNames(folder), ["a", "b"]);
    assertEquals(await savedNames(`${folder}/none`), []);
    assertEquals(await savedNames(null), []);
    assertEquals(await pathsFrom(`${folder}/ch`), [`${below}/`]);
    assertEquals(await pathsFrom(`${below}/`), [
      ...[`${below}/a.json`, `${below}/b.json`, `${below}/deep/`],
    ]);
    assertEquals(await pathsFrom(`${below}/.`), [`${below}/.c.txt`]);
    assertEquals(await pathsFrom(`${folder}/none/x`), []);
    assertEquals(await pathsFrom("~/d", below), ["~/deep/"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
