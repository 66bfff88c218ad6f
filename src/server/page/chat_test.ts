import { assert, assertEquals } from "@std/assert";
import { Chat } from "./chat.js";
import { Conversations } from "./conversations.js";
import { ChatFailure } from "./failure.js";
import { memoryStorage } from "./storage.js";
import type { ChatEvent, streamChat } from "./stream_chat.js";
import { shortened, toldMessages } from "./told_messages.js";

/** A chat whose server says what the test says. */
function chatWith(answer: (ask: number) => (ChatEvent | Error | "wait")[]) {
  const conversations = new Conversations(memoryStorage());
  const asked: Record<string, unknown>[] = [];
  const calls: string[] = [];
  async function* stream(
    body: Record<string, unknown>,
    { signal }: { signal: AbortSignal },
  ) {
    asked.push(body);
    for (const event of answer(asked.length - 1)) {
      if (event === "wait") {
        signal.throwIfAborted();
        await new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason))
        );
      } else if (event instanceof Error) throw event;
      else yield event;
    }
  }
  const chat = new Chat({
    conversations,
    settings: () => ({ system: "Be kind", seed: "7", temperature: "hot" }),
    onMessages: () => calls.push("messages"),
    onList: () => calls.push("list"),
    onGrow: ({ message }) => calls.push(`grow ${message.content}`),
    onEnd: ({ message }) => calls.push(`end ${message.end}`),
    stream: stream as typeof streamChat,
  });
  const texts = () => chat.current.messages.map(({ content }) => content);
  return { chat, conversations, asked, calls, texts };
}

const text = (text: string): ChatEvent => ({ kind: "text", text });
const end = (finish = "stop"): ChatEvent => ({
  kind: "end",
  finish,
  stats: null,
});
const user = (content: string) => ({ role: "user" as const, content });
const assistant = (content: string) => ({
  role: "assistant" as const,
  content,
});

Deno.test("Chat sends, keeps and tells of an answer as it grows", async () => {
  const { chat, conversations, asked, calls } = chatWith(() => [
    { kind: "waiting", comment: "queued" },
    text("Once"),
    text(" upon"),
    end("length"),
  ]);
  chat.model = "stories";
  await chat.send("Tell me\na story");
  assertEquals(asked, [{
    model: "stories",
    messages: [
      { role: "system", content: "Be kind" },
      user("Tell me\na story"),
    ],
    seed: 7,
  }]);
  assertEquals(calls, [
    ...["messages", "list", "grow ", "grow Once", "grow Once upon"],
    ...["end length", "messages", "list"],
  ]);
  const [kept] = conversations.list();
  assertEquals(kept?.title, "Tell me");
  assertEquals(kept?.messages, [
    user("Tell me\na story"),
    { ...assistant("Once upon"), end: "length" },
  ]);
});

Deno.test("Chat replaces the last answer, or the last message", async () => {
  const { chat, asked, texts } = chatWith((i) => [text(`${i}`), end()]);
  await chat.send("a");
  await chat.send("b");
  await chat.regenerate();
  assertEquals(texts(), ["a", "0", "b", "2"]);
  await chat.resend("c");
  assertEquals(texts(), ["a", "0", "c", "3"]);
  assertEquals(
    (asked[3]!.messages as unknown[]).slice(1),
    [user("a"), assistant("0"), user("c")],
  );
  await chat.send("  ");
  assertEquals(asked.length, 4);
});

Deno.test("Chat stops an answer and keeps what came of it", async () => {
  const { chat, texts } = chatWith(() => [text("Once"), "wait"]);
  const answer = chat.send("a");
  await chat.send("nothing is sent meanwhile");
  await chat.regenerate();
  chat.stop();
  await answer;
  assertEquals(texts(), ["a", "Once"]);
  assertEquals(chat.current.messages[1]?.end, "stopped");
});

Deno.test("Chat goes on with an answer while another conversation is open", async () => {
  const { chat, conversations, calls } = chatWith((i) =>
    i === 0 ? [text("Once"), "wait"] : [text("Two"), end()]
  );
  const first = chat.send("one");
  const { id } = chat.current;
  chat.startNew();
  await chat.send("two");
  assertEquals(chat.list().map(({ title }) => title).sort(), ["one", "two"]);
  calls.length = 0;
  chat.open(id);
  assert(chat.runOf() !== null);
  chat.startNew();
  calls.length = 0;
  chat.open(id);
  chat.stop();
  await first;
  assertEquals(calls.slice(-3), ["end stopped", "messages", "list"]);
  assertEquals(conversations.get(id)?.messages[1]?.content, "Once");
});

Deno.test("Chat forgets a conversation that is deleted while it is answered", async () => {
  const { chat, conversations, calls } = chatWith(() => [text("x"), "wait"]);
  const answer = chat.send("one");
  chat.remove(chat.current.id);
  await answer;
  assertEquals(conversations.list(), []);
  assertEquals(chat.current.messages, []);
  assertEquals(calls.filter((call) => call.startsWith("end")), []);
});

Deno.test("Chat keeps a failure with the answer, and asks again", async () => {
  const { chat, texts } = chatWith((i) =>
    i === 0
      ? [text("Half"), new ChatFailure({ kind: "busy", message: "full" })]
      : [text("Whole"), end()]
  );
  await chat.send("a");
  assertEquals(chat.current.messages[1], {
    ...assistant("Half"),
    end: "failed",
    failure: { kind: "busy", said: "full" },
  });
  await chat.regenerate();
  assertEquals(texts(), ["a", "Whole"]);
});

Deno.test("Chat leaves out the oldest messages when they are too many", async () => {
  const { chat, asked, texts } = chatWith((i) => [text(`${i}`), end()]);
  for (const message of ["a", "b", "c", "d"]) await chat.send(message);
  assert(chat.canShorten);
  await chat.shorten();
  assertEquals((asked.at(-1)!.messages as unknown[]).slice(1), [
    user("c"),
    assistant("2"),
    user("d"),
  ]);
  assertEquals(texts().length, 8, "people still see them");
  await chat.shorten();
  assertEquals((asked.at(-1)!.messages as unknown[]).slice(1), [user("d")]);
  assert(!chat.canShorten);
});

Deno.test("Chat takes in what another tab did", async () => {
  const { chat, conversations, texts } = chatWith(() => [text("x"), end()]);
  await chat.send("a");
  const other = conversations.get(chat.current.id)!;
  other.messages.push(user("b"), assistant("y"));
  conversations.save(other);
  chat.reread(other.id);
  assertEquals(texts(), ["a", "x", "b", "y"]);
  conversations.remove(other.id);
  chat.reread(other.id);
  assertEquals(texts(), []);
});

Deno.test("toldMessages() lets the two take turns, whatever failed", () => {
  const messages = [
    user("a"),
    assistant(""),
    user("b"),
    assistant("c"),
    user("d"),
  ];
  const conversation = {
    id: "",
    title: "",
    updatedMs: 0,
    firstSent: 0,
    messages,
  };
  assertEquals(toldMessages(conversation, " "), [
    user("a\n\nb"),
    assistant("c"),
    user("d"),
  ]);
  assertEquals(messages[0], user("a"), "nothing is changed");
  assertEquals(toldMessages({ ...conversation, firstSent: 4 }, "s"), [
    { role: "system", content: "s" },
    user("d"),
  ]);
  assertEquals(shortened({ ...conversation, firstSent: 4 }), 4);
});
