import { assertEquals, assertRejects } from "@std/assert";
import { readLines, readTexts, typedText } from "./line_reader.ts";

function cut(text: string, length: number): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += length) {
    chunks.push(bytes.slice(at, at + length));
  }
  return ReadableStream.from(chunks);
}

Deno.test("readLines() does not care where reads end", async () => {
  const text = "one\r\ntwo é😀\n\nlast";
  for (const length of [1, 2, 3, 5, 100]) {
    const lines = await Array.fromAsync(readLines(cut(text, length)));
    assertEquals(lines, ["one", "two é😀", "", "last"]);
  }
});

Deno.test("readLines() makes no line of the end", async () => {
  assertEquals(await Array.fromAsync(readLines(cut("a\n", 9))), ["a"]);
  assertEquals(await Array.fromAsync(readLines(cut("", 9))), []);
});

Deno.test("readLines() reads very long lines", async () => {
  const line = "x".repeat(5_000_000);
  const [first, second] = await Array.fromAsync(
    readLines(cut(`${line}\ny`, 4096)),
  );
  assertEquals(first?.length, line.length);
  assertEquals(second, "y");
});

async function texts(lines: string[]): Promise<[string, boolean][]> {
  const found = await Array.fromAsync(readTexts(ReadableStream.from(lines)));
  return found.map(({ text, isFenced }) => [text, isFenced]);
}

Deno.test("readTexts() joins the lines between fences", async () => {
  const lines = ["a", '"""', "b", " c", '"""', "d", '"""e', 'f"""', '"""g"""'];
  assertEquals(await texts(lines), [
    ["a", false],
    ["b\n c", true],
    ["d", false],
    ["e\nf", true],
    ["g", true],
  ]);
});

Deno.test("readTexts() ends an open fence with the input", async () => {
  assertEquals(await texts(['"""a', "b"]), [["a\nb", true]]);
  assertEquals(await texts(['"""']), [["", true]]);
});

Deno.test("readTexts() asks for more within a fence only", async () => {
  let count = 0;
  const lines = ReadableStream.from(["a", '"""b', "c", 'd"""', "e"]);
  await Array.fromAsync(readTexts(lines, () => count++));
  assertEquals(count, 2);
});

function* forever<T>(item: T): Generator<T> {
  while (true) yield item;
}

Deno.test("readLines() and readTexts() refuse what never ends", async () => {
  const zeros = new Uint8Array(1 << 20);
  const lines = new TextEncoder().encode(`"""${"x".repeat(1 << 20)}\n`);
  for (const chunk of [zeros, lines]) {
    const input = ReadableStream.from(forever(chunk));
    const texts = readTexts(readLines(input));
    await assertRejects(
      () => texts.next(),
      Error,
      "Cannot read a message: it has more than 16777216 characters",
    );
  }
});

Deno.test("typedText() takes no line break from the end of what was pasted", () => {
  assertEquals(typedText("a\nb\n"), { text: "a\nb", isFenced: false });
  assertEquals(typedText("a\n\n").text, "a\n");
  assertEquals(typedText('"""\na\n"""\n'), { text: "a", isFenced: true });
});
