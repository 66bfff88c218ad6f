import { assertEquals } from "@std/assert";
import { type Key, KeyReader } from "./keys.ts";

function keys(...pieces: string[]): string[] {
  const reader = new KeyReader();
  return pieces.flatMap((piece) => reader.push(piece)).map(shown);
}

function shown(key: Key): string {
  return "text" in key ? JSON.stringify(key.text) : key.name;
}

Deno.test("KeyReader tells text from keys", () => {
  assertEquals(keys("añ😀b\r"), ['"añ😀b"', "enter"]);
  assertEquals(keys("\x01\x05\x7f\t\x03\x04"), [
    ...["home", "end", "backspace", "complete", "interrupt", "deleteOrEnd"],
  ]);
  assertEquals(keys("\x1b[A\x1bOB\x1b[1;5C\x1b[3~\x1bb\x1b\r"), [
    ...["up", "down", "wordRight", "delete", "wordLeft", "newline"],
  ]);
});

Deno.test("KeyReader waits for the rest of a sequence", () => {
  const text = "x\x1b[1;5Dy\x1b[200~p\rq\x1b[201~z";
  const wanted = ['"x"', "wordLeft", '"y"', '"p\\nq"', '"z"'];
  for (let at = 1; at < text.length; at++) {
    assertEquals(keys(text.slice(0, at), text.slice(at)), wanted);
  }
});

Deno.test("KeyReader takes pasted text as text, whatever it holds", () => {
  const pasted = "a\r\nb\tc\r\x03\x1b[A\x1b[31m\x9bd\x7f";
  assertEquals(keys(`\x1b[200~${pasted}\x1b[201~`), ['"a\\nb\\tc\\n[A[31md"']);
});

Deno.test("KeyReader passes over what it does not know", () => {
  assertEquals(keys("\x1b[99;99~a\x1bOx\x1bq\x1d\0\x9bb"), ['"a"', '"b"']);
});
