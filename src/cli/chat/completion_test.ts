import { assertEquals } from "@std/assert";
import { completeText } from "./completion.ts";
import { EMPTY, insert } from "./line_editor.ts";

async function complete(text: string, ...candidates: string[]) {
  const from = text.lastIndexOf(" ") + 1;
  const { state, choices } = await completeText(
    insert(EMPTY, text),
    () => Promise.resolve({ from, candidates }),
  );
  return [state.text, ...choices];
}

Deno.test("completeText() goes as far as all candidates agree", async () => {
  assertEquals(await complete("/sa", "/save"), ["/save "]);
  assertEquals(await complete("/load a", "a/"), ["/load a/"]);
  assertEquals(await complete("/set t", "top-k", "top-p"), ["/set top-"]);
  assertEquals(await complete("/set top-", "top-k", "top-p"), [
    ...["/set top-", "top-k", "top-p"],
  ]);
  assertEquals(await complete("hello"), ["hello"]);
});

Deno.test("completeText() does not flood the terminal", async () => {
  const names = Array.from({ length: 100 }, (_, i) => `n${i}`);
  const [, ...choices] = await complete("n", ...names);
  assertEquals(choices.length, 41);
  assertEquals(choices.at(-1), "and 60 more");
});
