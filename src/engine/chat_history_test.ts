import { assertEquals } from "@std/assert";
import { ChatHistory } from "./chat_history.ts";

/** A letter is an id; an answer's ids are written as capitals. */
const encoder = {
  encode: (text: string) => [...text].map((c) => c.charCodeAt(0)),
  startsWithSpecialToken: (text: string) => text.startsWith("|"),
};

Deno.test("ChatHistory.encode() takes an answer's own ids", () => {
  const history = new ChatHistory(encoder);
  const promptIds = history.encode("hi");
  history.remember({
    prompt: "hi",
    promptIds,
    answer: "yo",
    answerIds: [7, 8, 9],
  });
  assertEquals(history.encode("hiyo|x"), [104, 105, 7, 8, 9, 124, 120]);
});

Deno.test("ChatHistory.encode() takes the ids of all turns before", () => {
  const history = new ChatHistory(encoder);
  history.remember({
    prompt: "a",
    promptIds: [1],
    answer: "b",
    answerIds: [2],
  });
  const promptIds = history.encode("ab|c");
  history.remember({ prompt: "ab|c", promptIds, answer: "d", answerIds: [3] });
  assertEquals(history.encode("ab|cd|e"), [1, 2, 124, 99, 3, 124, 101]);
});

Deno.test("ChatHistory.encode() gives the same prompt the same ids", () => {
  const history = new ChatHistory(encoder);
  history.remember({
    prompt: "a",
    promptIds: [1],
    answer: "b",
    answerIds: [2],
  });
  assertEquals(history.encode("a"), [1]);
});

Deno.test("ChatHistory.encode() encodes anew where texts would merge", () => {
  const history = new ChatHistory(encoder);
  history.remember({
    prompt: "a",
    promptIds: [1],
    answer: "b",
    answerIds: [2],
  });
  assertEquals(history.encode("abc"), encoder.encode("abc"));
  assertEquals(history.encode("ax|"), encoder.encode("ax|"));
});

Deno.test("ChatHistory forgets the oldest of many turns", () => {
  const history = new ChatHistory(encoder);
  for (let i = 0; i < 100; i++) {
    history.remember({
      prompt: `${i}`,
      promptIds: [i],
      answer: "b",
      answerIds: [2],
    });
  }
  assertEquals(history.encode("0b|"), encoder.encode("0b|"));
  assertEquals(history.encode("99b|"), [99, 2, 124]);
});
