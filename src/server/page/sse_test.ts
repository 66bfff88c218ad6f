import { assertEquals } from "@std/assert";
import { type SseItem, SseParser } from "./sse.js";

const STREAM = [
  ": queued",
  "",
  "data: one",
  "",
  "event: rates",
  'data: {"a":1}',
  "id: 7",
  "",
  "data:two",
  "data:  lines",
  "",
  "event: nothing",
  "",
  "data: ünd [DONE]",
  "",
  "",
].join("\n");

const ITEMS: SseItem[] = [
  { kind: "comment", text: "queued" },
  { kind: "event", type: "message", data: "one" },
  { kind: "event", type: "rates", data: '{"a":1}' },
  { kind: "event", type: "message", data: "two\n lines" },
  { kind: "event", type: "message", data: "ünd [DONE]" },
];

Deno.test("SseParser gives the same wherever pieces and lines end", () => {
  for (const end of ["\n", "\r\n", "\r"]) {
    const text = STREAM.replaceAll("\n", end);
    for (let length = 1; length <= text.length; length++) {
      const parser = new SseParser();
      const items: SseItem[] = [];
      for (let at = 0; at < text.length; at += length) {
        items.push(...parser.push(text.slice(at, at + length)));
      }
      // A last carriage return could still be half of a line's end.
      items.push(...parser.push("\n"));
      assertEquals(items, ITEMS, `${JSON.stringify(end)} by ${length}`);
    }
  }
});

Deno.test("SseParser keeps an event that is not over", () => {
  const parser = new SseParser();
  assertEquals(parser.push("data: cut of"), []);
  assertEquals(parser.push("f\n"), []);
  assertEquals(parser.push("\n"), [
    { kind: "event", type: "message", data: "cut off" },
  ]);
});
