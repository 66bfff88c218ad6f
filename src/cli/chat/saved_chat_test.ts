import { assertEquals, assertThrows } from "@std/assert";
import { formatChat, parseChat } from "./saved_chat.ts";

const CHAT = {
  model: "stories",
  system: "Be brief.",
  settings: { temperature: 0, stop: ["x"], ignoreEos: true },
  messages: [
    { role: "user", content: "ä\n😀" },
    { role: "assistant", content: "" },
  ],
};

Deno.test("parseChat() reads what formatChat() writes", () => {
  assertEquals(parseChat(formatChat(CHAT), "x.json"), CHAT);
  const bare = { model: "m", settings: {}, messages: [] };
  assertEquals(parseChat(formatChat(bare), "x"), {
    ...bare,
    system: undefined,
  });
});

Deno.test("parseChat() refuses what is no conversation", () => {
  const file = JSON.parse(formatChat(CHAT));
  const [question, reply] = CHAT.messages;
  const cases: [unknown, string][] = [
    ["no JSON", "it holds no conversation, wanted a file that /save wrote"],
    [[], "it holds no conversation"],
    [{ ...file, format: "other" }, "it holds no conversation"],
    [{ ...file, version: 2 }, "its version is 2, wanted 1; perhaps a newer"],
    [{ ...file, model: 7 }, "its model is no text"],
    [{ ...file, system: 7 }, "its system message is no text"],
    [{ ...file, messages: [question] }, "its messages are no list"],
    [{ ...file, messages: [reply, question] }, "its messages are no list"],
    [{ ...file, messages: [{ role: "user" }, reply] }, "its messages are no"],
    [{ ...file, messages: {} }, "its messages are no list"],
    [{ ...file, settings: [] }, "its settings are no object"],
    [{ ...file, settings: { signal: 1 } }, 'there is no setting "signal"'],
    [{ ...file, settings: { topK: -1 } }, "topK is -1, wanted an integer of"],
    [{ ...file, settings: { stop: "x" } }, "stop is no list of strings"],
  ];
  for (const [content, says] of cases) {
    const text = typeof content === "string"
      ? content
      : JSON.stringify(content);
    assertThrows(
      () => parseChat(text, "a.json"),
      SyntaxError,
      "load a.json: " + says,
    );
  }
});
