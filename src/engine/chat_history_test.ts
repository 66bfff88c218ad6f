import { assert, assertEquals } from "@std/assert";
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

/** Asks and is answered, as `Engine.chat()` does. */
function talk(history: ChatHistory, prompt: string, answer: [string, number]) {
  const promptIds = history.encode(prompt);
  const [text, id] = answer;
  history.remember({ prompt, promptIds, answer: text, answerIds: [id] });
  return promptIds;
}

Deno.test("ChatHistory.encode() takes what explains most, then the latest", () => {
  const history = new ChatHistory(encoder);
  talk(history, "a", ["b", 1]);
  talk(history, "ab|c", ["d", 2]);
  talk(history, "a", ["b", 3]); // the same text, in other ids
  assertEquals(history.encode("ab|x"), [97, 3, 124, 120]);
  assertEquals(history.encode("ab|cd|"), [97, 1, 124, 99, 2, 124]);
  // Who goes on with a conversation makes it the latest.
  assertEquals(history.encode("ab|x"), [97, 1, 124, 120]);
});

Deno.test("ChatHistory keeps 64 conversations of 30 turns apart, each turn once", () => {
  const history = new ChatHistory(encoder);
  const prompts = Array.from({ length: 64 }, (_, i) => `system; ${i}`);
  for (let turn = 0; turn < 30; turn++) {
    for (const [i, prompt] of prompts.entries()) {
      const ids = talk(history, prompt, ["yes", 1000 + 100 * turn + i]);
      const own = ids.filter((id) => id >= 1000);
      assertEquals(own.length, turn);
      assert(own.every((id) => id % 100 === i), `${i}: ${own}`);
      prompts[i] += "yes|and?";
    }
  }
  const letters = prompts.join("").length;
  const bound = 10 * letters + 64 * 30 * 512;
  assert(history.byteLength < bound, `${history.byteLength} of ${bound}`);
});

Deno.test("ChatHistory remembers a turn once", () => {
  const history = new ChatHistory(encoder);
  talk(history, "a", ["b", 1]);
  const { byteLength } = history;
  talk(history, "a", ["b", 1]);
  assertEquals(history.byteLength, byteLength);
});

Deno.test("ChatHistory forgets the turns that were not used for longest", () => {
  const history = new ChatHistory(encoder, { turnCount: 3 });
  talk(history, "a", ["b", 1]);
  talk(history, "ab|c", ["d", 2]);
  talk(history, "x", ["y", 3]);
  talk(history, "ab|c", ["d", 2]); // x is older now than both of the others
  talk(history, "z", ["b", 4]);
  assertEquals(history.encode("xy|"), encoder.encode("xy|"));
  assertEquals(history.encode("zb|"), [122, 4, 124]);
  assertEquals(history.encode("ab|cd|"), [97, 1, 124, 99, 2, 124]);
});

Deno.test("ChatHistory remembers within its bytes", () => {
  const history = new ChatHistory(encoder, { byteLength: 10_000 });
  for (let i = 0; i < 100; i++) talk(history, `${i}`, ["b", 7]);
  assert(history.byteLength <= 10_000);
  assertEquals(history.encode("0b|"), encoder.encode("0b|"));
  assertEquals(history.encode("99b|"), [57, 57, 7, 124]);
  // One that is too large alone pushes nothing out.
  talk(history, "z".repeat(10_000), ["b", 7]);
  assertEquals(history.encode("99b|"), [57, 57, 7, 124]);
});

Deno.test("ChatHistory.turnsOf() tells the turns of one conversation", () => {
  const history = new ChatHistory(encoder);
  talk(history, "a", ["b", 1]);
  talk(history, "x", ["y", 2]);
  talk(history, "ab|c", ["d", 3]);
  // The last token of an answer usually has not run.
  const turns = history.turnsOf([97, 1, 124, 99]);
  assertEquals(turns, [
    { prompt: "a", promptIds: [97], answer: "b", answerIds: [1] },
    {
      prompt: "ab|c",
      promptIds: [97, 1, 124, 99],
      answer: "d",
      answerIds: [3],
    },
  ]);
  assertEquals(history.turnsOf([97]).length, 1);
  assertEquals(history.turnsOf([]), []);
  // Another answer to the same prompt is no part of it.
  talk(history, "ab|c", ["secret", 9]);
  assertEquals(history.turnsOf([97, 1, 124, 99, 3]), turns);
  const other = new ChatHistory(encoder);
  for (const turn of turns) other.remember(turn);
  assertEquals(other.encode("ab|cd|"), history.encode("ab|cd|"));
});
