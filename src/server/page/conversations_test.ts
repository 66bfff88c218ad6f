import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type Conversation,
  exportConversations,
  titleOf,
} from "./conversation_file.js";
import { Conversations } from "./conversations.js";
import { memoryStorage } from "./storage.js";

const talk = (id: string, updatedMs = 1, content = "Hello"): Conversation => ({
  id,
  title: `About ${id}`,
  updatedMs,
  firstSent: 0,
  messages: [
    { role: "user", content },
    {
      role: "assistant",
      content: "Once upon a time",
      end: "stop",
      stats: {
        promptTokens: 5,
        cachedTokens: 2,
        tokens: 4,
        tokensPerSecond: 9,
      },
    },
  ],
});

Deno.test("Conversations keeps what it is told, the latest first", () => {
  const storage = memoryStorage();
  storage.setItem("another page's", "value");
  const conversations = new Conversations(storage);
  assert(conversations.save(talk("a", 1)));
  assert(conversations.save(talk("b", 2)));
  assert(conversations.save(talk("a", 3, "Changed")));
  assertEquals(new Conversations(storage).list(), [
    talk("a", 3, "Changed"),
    talk("b", 2),
  ]);
  conversations.remove("a");
  assertEquals(conversations.get("a"), null);
  assertEquals(conversations.list(), [talk("b", 2)]);
  assertEquals(storage.getItem("another page's"), "value");
});

Deno.test("Conversations says when there is no room, and keeps what it had", () => {
  const conversations = new Conversations(memoryStorage(), {
    maxCharacters: 1000,
  });
  assert(conversations.save(talk("a")));
  assert(!conversations.save(talk("a", 2, "x".repeat(1000))));
  assert(!conversations.save(talk("b", 2, "x".repeat(700))));
  assertEquals(conversations.list(), [talk("a")]);
  conversations.remove("a");
  assert(conversations.save(talk("b", 2, "x".repeat(700))));

  const full = memoryStorage();
  full.setItem = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  assert(!new Conversations(full).save(talk("a")));
});

Deno.test("Conversations passes over what is no conversation", () => {
  const storage = memoryStorage();
  const bad = ["", "{", "null", "[]", '{"id":"x"}', '{"messages":[1]}'];
  for (const [i, json] of bad.entries()) {
    storage.setItem(`moeno.conversation.${i}`, json);
  }
  const evil = { ...talk("a"), firstSent: -3, extra: { nested: true } };
  storage.setItem("moeno.conversation.a", JSON.stringify(evil));
  assertEquals(new Conversations(storage).list(), [talk("a")]);
});

Deno.test("Conversations takes what another browser exported, and none twice", () => {
  const json = exportConversations([talk("a", 1), talk("b", 2)]);
  const conversations = new Conversations(memoryStorage());
  assertEquals(conversations.import(json), { added: 2, lost: 0 });
  assertEquals(conversations.import(json), { added: 0, lost: 0 });
  assertEquals(conversations.list(), [talk("b", 2), talk("a", 1)]);

  const other = exportConversations([talk("a", 5, "Another with this id")]);
  assertEquals(conversations.import(other), { added: 1, lost: 0 });
  assertEquals(conversations.get("a"), talk("a", 1));
  assertEquals(conversations.list().length, 3);

  const small = new Conversations(memoryStorage(), { maxCharacters: 300 });
  assertEquals(small.import(json), { added: 1, lost: 1 });
});

Deno.test("Conversations refuses files that are something else", () => {
  const conversations = new Conversations(memoryStorage());
  const cases = [
    ["{", "not JSON"],
    ["null", "holds no conversations"],
    ['{"format":"moeno-conversations","version":2}', "holds no conversations"],
    [
      '{"format":"moeno-conversations","version":1,"conversations":[{}]}',
      "is broken",
    ],
  ] as const;
  for (const [json, message] of cases) {
    assertThrows(() => conversations.import(json), SyntaxError, message);
  }
  assertEquals(conversations.list(), []);
});

Deno.test("titleOf() takes the first line and cuts it between words", () => {
  assertEquals(titleOf("  Hello   there\nSecond line"), "Hello there");
  assertEquals(titleOf(" \n "), "New conversation");
  assertEquals(titleOf("word ".repeat(40)), `${"word ".repeat(12).trim()}…`);
  assertEquals(titleOf("x".repeat(61)).length, 61);
});
