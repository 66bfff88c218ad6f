import { assertEquals } from "@std/assert";
import { seededRandom } from "./random.ts";
import { type StopMatch, StopMatcher } from "./stop_matcher.ts";

/** Streams pieces up to the first match. */
function stream(stops: string[], pieces: string[]): StopMatch {
  const matcher = new StopMatcher(stops);
  let text = "";
  for (const piece of pieces) {
    const match = matcher.push(piece);
    text += match.text;
    if (match.stopString !== undefined) return { ...match, text };
  }
  return { text: text + matcher.flush() };
}

Deno.test("StopMatcher finds a stop string across pieces", () => {
  const found = stream(["STOP"], ["one S", "T", "O", "P two"]);
  assertEquals(found, { text: "one ", stopString: "STOP" });
});

Deno.test("StopMatcher shows text that no stop string can begin with", () => {
  const matcher = new StopMatcher(["\n\n", "END"]);
  assertEquals(matcher.push("Hello\n"), { text: "Hello" });
  assertEquals(matcher.push("world E"), { text: "\nworld " });
  assertEquals(matcher.push("N"), { text: "" });
  assertEquals(matcher.push("d"), { text: "ENd" });
  assertEquals(matcher.flush(), "");
});

Deno.test("StopMatcher gives back what it held at the end", () => {
  assertEquals(stream(["STOP"], ["a ST"]), { text: "a ST" });
  assertEquals(stream([], ["a", "b"]), { text: "ab" });
});

Deno.test("StopMatcher takes the stop string that is complete first", () => {
  assertEquals(stream(["bcd", "c"], ["abcd"]), { text: "ab", stopString: "c" });
  assertEquals(stream(["c", "bc"], ["abcd"]), { text: "a", stopString: "bc" });
});

Deno.test("StopMatcher does not care where the text is cut", () => {
  const random = seededRandom(11);
  const letters = (length: number) =>
    Array.from({ length }, () => "ab"[Math.floor(random() * 2)]).join("");
  for (let round = 0; round < 300; round++) {
    const text = letters(20);
    const stops = [0, 1, 2].map(() => letters(2 + Math.floor(random() * 5)));
    const pieces: string[] = [];
    for (let at = 0; at < text.length;) {
      const end = at + 1 + Math.floor(random() * 5);
      pieces.push(text.slice(at, end));
      at = end;
    }
    assertEquals(stream(stops, pieces), stream(stops, [...text]));
  }
});
