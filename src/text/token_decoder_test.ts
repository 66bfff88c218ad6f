import { assert, assertEquals } from "@std/assert";
import { TokenDecoder, type TokenDecoderOptions } from "./token_decoder.ts";
import { Tokenizer } from "./tokenizer.ts";

const TOKENIZER = Tokenizer.fromJson(JSON.parse(Deno.readTextFileSync(
  new URL(
    "../../tests/testdata/mixtral_tokenizer/tokenizer.json",
    import.meta.url,
  ),
)));

/** The ids of byte tokens. */
function bytes(...values: number[]): number[] {
  return values.map((value) => value + 3);
}

/** What each push returns, and the flush. */
function pieces(
  ids: readonly number[],
  options: TokenDecoderOptions = {},
): string[] {
  const decoder = new TokenDecoder(TOKENIZER, options);
  return [...ids.map((id) => decoder.push(id)), decoder.flush()];
}

Deno.test("TokenDecoder returns characters whole", () => {
  const ids = bytes(0xf0, 0x9f, 0x99, 0x82, 0xc3, 0xa9);
  assertEquals(pieces(ids), ["", "", "", "🙂", "", "é", ""]);
});

Deno.test("TokenDecoder returns U+FFFD as soon as bytes cannot become a character", () => {
  const hello = TOKENIZER.idOf("▁Hello")!;
  assertEquals(pieces(bytes(0xff)), ["\ufffd", ""]);
  assertEquals(pieces(bytes(0xc3, 0x28)), ["", "\ufffd(", ""]);
  assertEquals(pieces(bytes(0xe6, 0x97)), ["", "", "\ufffd"]);
  assertEquals(pieces([...bytes(0xe6, 0x97), hello]), [
    "",
    "",
    "\ufffd Hello",
    "",
  ]);
  assertEquals(pieces([...bytes(0xc3), 2, ...bytes(0xa9)]), ["", "", "é", ""]);
  assertEquals(pieces(bytes(0xef, 0xbb, 0xbf)), ["", "", "\ufeff", ""]);
});

Deno.test("TokenDecoder strips one leading space of a text of its own", () => {
  const [hello, space] = ["▁Hello", "▁"].map((token) => TOKENIZER.idOf(token)!);
  assertEquals(pieces([hello!, hello!]), ["Hello", " Hello", ""]);
  assertEquals(pieces([space!, hello!]), ["", " Hello", ""]);
  assertEquals(pieces([1, hello!]), ["", "Hello", ""]);
  assertEquals(
    pieces([1, hello!], { skipSpecialTokens: false }),
    ["<s>", " Hello", ""],
  );
});

Deno.test("TokenDecoder keeps the space of a text that continues a prompt", () => {
  const prompt = TOKENIZER.encode("Once upon a time");
  const next = TOKENIZER.idOf("▁Hello")!;
  assertEquals(pieces([next], { prefixIds: prompt }), [" Hello", ""]);
  // A prompt without text: the answer begins the text.
  assertEquals(pieces([next], { prefixIds: [1] }), ["Hello", ""]);
  // A prompt that ends within a character.
  const prefixIds = [...prompt, ...bytes(0xc3)];
  assertEquals(pieces(bytes(0xa9), { prefixIds }), ["é", ""]);
});

Deno.test("TokenDecoder returns in pieces what decode() returns at once", () => {
  const seed = 0x70c0de;
  const random = mulberry32(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const utf8 = new TextEncoder().encode("é日🙂\ufeff\0 a");
  for (let round = 0; round < 3000; round++) {
    const ids: number[] = [];
    for (let count = below(16); count > 0; count--) {
      const kind = below(4);
      if (kind === 0) ids.push(below(TOKENIZER.vocabSize + 2));
      if (kind === 1) ids.push(below(3)); // special
      if (kind === 2) ids.push(...bytes(below(256)));
      if (kind === 3) ids.push(...bytes(...utf8.slice(below(14), below(14))));
    }
    const where = `seed ${seed}, ids ${ids}`;
    const skipSpecialTokens = below(2) === 0;
    const options = { skipSpecialTokens };
    const whole = TOKENIZER.decode(ids, options);
    const parts = pieces(ids, options);
    assertEquals(parts.join(""), whole, where);
    for (const part of parts) assert(part.isWellFormed(), where);

    const split = below(ids.length + 1);
    const head = new TokenDecoder(TOKENIZER, options);
    let text = "";
    for (const id of ids.slice(0, split)) text += head.push(id);
    const prefixIds = ids.slice(0, split);
    text += pieces(ids.slice(split), { prefixIds, skipSpecialTokens }).join("");
    assertEquals(text, whole, where);
  }
});

Deno.test("TokenDecoder takes as long for the last token as for the first", () => {
  const decoder = new TokenDecoder(TOKENIZER);
  const ids = TOKENIZER.encode("Once upon a time, a 日本語 🙂 text.");
  // 300,000 tokens: minutes if each looked back at all before it.
  for (let round = 0; round < 300_000 / ids.length; round++) {
    for (const id of ids) decoder.push(id);
  }
  assertEquals(decoder.flush(), "");
});

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
