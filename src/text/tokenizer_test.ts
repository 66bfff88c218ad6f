import {
  assert,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { Tokenizer as Library } from "@huggingface/tokenizers";
import { Tokenizer } from "./tokenizer.ts";

const MIXTRAL = new URL(
  "../../tests/testdata/mixtral_tokenizer/",
  import.meta.url,
);
const STORIES = new URL("../../models/stories-17m/", import.meta.url);

function readJson(file: string, directory: URL): unknown {
  return JSON.parse(Deno.readTextFileSync(new URL(file, directory)));
}

function loadMixtral(): Tokenizer {
  return Tokenizer.fromJson(readJson("tokenizer.json", MIXTRAL));
}

function loadStories(): Tokenizer {
  return Tokenizer.fromJson(
    readJson("tokenizer.json", STORIES),
    readJson("tokenizer_config.json", STORIES),
  );
}

Deno.test("Tokenizer agrees with sentencepiece on the tokenizer of Mixtral", () => {
  const tokenizer = loadMixtral();
  const lines = Deno.readTextFileSync(
    new URL("tokenizer_vectors.jsonl", MIXTRAL),
  ).trimEnd().split("\n");
  assertEquals(lines.length, 260);
  for (const line of lines) {
    const { text, ids, hf_ids: hfIds, decoded } = JSON.parse(line);
    // In Hugging Face's format a special token written in the text is special.
    const wanted = hfIds ?? ids;
    const got = tokenizer.encode(text, { addSpecialTokens: false });
    assertEquals(got, wanted, JSON.stringify(text));
    assertEquals(tokenizer.encode(text), [1, ...wanted]);
    assertEquals(tokenizer.decode(ids), decoded);
  }
});

Deno.test("Tokenizer gives the golden ids of Mixtral's prompts", () => {
  const tokenizer = loadMixtral();
  const end = [733, 28748, 16289, 28793];
  const goldens: [string, number[]][] = [
    [
      "<s>[INST] What's the result of 5 + 5? [/INST]",
      // deno-fmt-ignore
      [1, 733, 16289, 28793, 1824, 28742, 28713, 272, 1204, 302, 28705, 28782,
        648, 28705, 28782, 28804, ...end],
    ],
    [
      "<s>[INST] Hello, how are you? [/INST]",
      // deno-fmt-ignore
      [1, 733, 16289, 28793, 22557, 28725, 910, 460, 368, 28804, ...end],
    ],
    ["<s>[INST] é日🙂 [/INST]", [
      1,
      733,
      16289,
      28793,
      1233,
      29142,
      29340,
      ...end,
    ]],
    ["<s>Hello world", [1, 22557, 1526]],
  ];
  for (const [prompt, wanted] of goldens) {
    const ids = tokenizer.encode(prompt, { addSpecialTokens: false });
    assertEquals(ids, wanted, prompt);
  }
  const prompt = goldens[0]![0];
  for (
    const [answer, id] of [["The result", 1014], [" The result", 415]] as const
  ) {
    const ids = tokenizer.encode(prompt + answer, { addSpecialTokens: false });
    assertEquals(ids[goldens[0]![1].length], id);
  }
});

Deno.test("Tokenizer agrees with transformers on the bundled tokenizer", () => {
  const tokenizer = loadStories();
  const pairs = readJson("tokens.json", STORIES) as [string, number[]][];
  assertEquals(pairs.length, 9);
  for (const [text, ids] of pairs) {
    assertEquals(tokenizer.encode(text, { addSpecialTokens: false }), ids);
    assertEquals(tokenizer.decode(ids), text);
  }
});

Deno.test("Tokenizer knows its special tokens", () => {
  for (const tokenizer of [loadMixtral(), loadStories()]) {
    const { bosToken, eosToken, unkToken, bosId, eosId, unkId } = tokenizer;
    assertEquals([bosToken, eosToken, unkToken], ["<s>", "</s>", "<unk>"]);
    assertEquals([bosId, eosId, unkId], [1, 2, 0]);
    assert(tokenizer.isSpecial(2));
    assert(!tokenizer.isSpecial(3));
    assert(!tokenizer.isSpecial(-1));
    assertEquals(tokenizer.tokenOf(3), "<0x00>");
    assertEquals(tokenizer.idOf("<0x00>"), 3);
    assertEquals(tokenizer.tokenOf(tokenizer.vocabSize), undefined);
    assertEquals(tokenizer.idOf("no such token"), undefined);
    assertEquals(tokenizer.encode(""), [1]);
    assertEquals(tokenizer.encode("", { addSpecialTokens: false }), []);
  }
  assertEquals(loadMixtral().vocabSize, 32000);
  assertEquals(loadStories().vocabSize, 4096);
});

Deno.test("Tokenizer takes special tokens from the config, as text or as object", () => {
  const json = readJson("tokenizer.json", STORIES);
  const tokenizer = Tokenizer.fromJson(json, {
    "bos_token": { content: "</s>" },
    "eos_token": "Lily",
    "unk_token": null,
  });
  assertEquals(tokenizer.bosId, 2);
  assertEquals(tokenizer.eosToken, "Lily");
  assertEquals(tokenizer.unkToken, "<unk>");
});

Deno.test("Tokenizer.decode() leaves out special tokens and unknown ids", () => {
  const tokenizer = loadMixtral();
  const ids = [1, 22557, 2, 1526, 32000, -1, 2];
  assertEquals(tokenizer.decode(ids), "Hello world");
  assertEquals(
    tokenizer.decode(ids, { skipSpecialTokens: false }),
    "<s> Hello</s> world</s>",
  );
  assertEquals(tokenizer.decode([]), "");
});

Deno.test("Tokenizer.decode() brings back any text", () => {
  const texts = [
    "\ufeffx",
    " ",
    "  x ",
    "\0\r\n\t",
    "</S> <0x41>",
    "a\u0301👩‍👩‍👧",
  ];
  for (const tokenizer of [loadMixtral(), loadStories()]) {
    for (const text of texts) {
      assertEquals(tokenizer.decode(tokenizer.encode(text)), text);
    }
  }
});

Deno.test("Tokenizer.decode() agrees with the library but for U+FEFF", () => {
  const seed = 0xdec0de;
  const random = mulberry32(seed);
  for (
    const [tokenizer, directory] of [
      [loadMixtral(), MIXTRAL],
      [loadStories(), STORIES],
    ] as const
  ) {
    const library = new Library(
      readJson("tokenizer.json", directory) as object,
      {
        "clean_up_tokenization_spaces": false,
      },
    );
    for (let round = 0; round < 2000; round++) {
      const ids = Array.from(
        { length: 1 + Math.floor(random() * 12) },
        () =>
          Math.floor(random() * (random() < 0.6 ? 262 : tokenizer.vocabSize)),
      );
      const skipSpecialTokens = random() < 0.5;
      const wanted = library.decode(ids, {
        "skip_special_tokens": skipSpecialTokens,
      });
      const got = tokenizer.decode(ids, { skipSpecialTokens });
      // The library drops byte order marks, where text has none.
      assertEquals(
        got.replaceAll("\ufeff", ""),
        wanted.replaceAll("\ufeff", ""),
        `seed ${seed}, ids ${ids}`,
      );
    }
  }
});

Deno.test("Tokenizer.encode() splits between words without changing an id", () => {
  const seed = 0x5eed;
  const random = mulberry32(seed);
  const stories = Deno.readTextFileSync(new URL("eval_stories.txt", STORIES));
  const parts = [
    " ",
    "  ",
    "▁",
    "\n",
    "a",
    "the",
    "1",
    ".",
    "é",
    "日本",
    "🙂",
    "</s>",
    "\ud800",
  ];
  for (
    const [tokenizer, directory] of [
      [loadMixtral(), MIXTRAL],
      [loadStories(), STORIES],
    ] as const
  ) {
    const library = new Library(
      readJson("tokenizer.json", directory) as object,
      {},
    );
    const texts = [stories.slice(0, 50_000)];
    for (let round = 0; round < 1000; round++) {
      const length = Math.floor(random() * 20);
      texts.push(
        Array.from({ length }, () => parts[Math.floor(random() * parts.length)])
          .join(""),
      );
    }
    for (const text of texts) {
      assertEquals(
        tokenizer.encode(text),
        library.encode(text).ids,
        `seed ${seed}, ${JSON.stringify(text.slice(0, 100))}`,
      );
    }
  }
});

Deno.test("Tokenizer.encode() does not split where a merge spans words", () => {
  const json = {
    "added_tokens": [],
    normalizer: { type: "Replace", pattern: { String: " " }, content: "▁" },
    "pre_tokenizer": null,
    "post_processor": null,
    decoder: { type: "Replace", pattern: { String: "▁" }, content: " " },
    model: {
      type: "BPE",
      vocab: { a: 0, "▁": 1, b: 2, "a▁": 3, "a▁b": 4 },
      merges: ["a ▁", "a▁ b"],
    },
  };
  const tokenizer = Tokenizer.fromJson(json);
  assertEquals(tokenizer.encode("a ba b"), [4, 4]);
  assertEquals(tokenizer.decode([4, 4]), "a ba b");
  assertEquals(tokenizer.bosId, undefined);
  json.model.merges = [];
  assertNotEquals(Tokenizer.fromJson(json).encode("a ba b"), [4, 4]);
});

Deno.test("Tokenizer.fromJson() refuses what is not a tokenizer it knows", () => {
  const json = readJson("tokenizer.json", STORIES) as Record<string, unknown>;
  for (const broken of [null, [], {}, { ...json, model: { vocab: {} } }, "x"]) {
    assertThrows(
      () => Tokenizer.fromJson(broken),
      TypeError,
      "Cannot read tokenizer.json: it has no BPE model",
    );
  }
  for (
    const decoder of [null, { type: "ByteLevel" }, {
      decoders: [{ type: "Strip" }],
    }]
  ) {
    assertThrows(
      () => Tokenizer.fromJson({ ...json, decoder }),
      TypeError,
      "Cannot read tokenizer.json: its decoder has a step of",
    );
  }
  assertThrows(
    () => Tokenizer.fromJson(json, []),
    TypeError,
    "Cannot read tokenizer_config.json",
  );
});

Deno.test("Tokenizer.fromJson() refuses ids, merges and steps that it cannot use", () => {
  const json = readJson("tokenizer.json", STORIES) as Record<string, unknown>;
  const model = json.model as Record<string, unknown>;
  const bomb = { type: "Split", pattern: { Regex: "(a+)+$" } };
  const cases: [Record<string, unknown>, string][] = [
    [{ model: { ...model, vocab: { a: "1" } } }, "model.vocab has no id"],
    [{ model: { ...model, vocab: { a: 2 ** 40 } } }, "model.vocab has no id"],
    [
      { model: { ...model, merges: ["a"] } },
      "model.merges has what is no pair",
    ],
    [{ model: { ...model, merges: [[1, 2]] } }, "model.merges has"],
    [{ "added_tokens": [null] }, "added_tokens has what is no token"],
    [{ "added_tokens": [{ id: -1, content: "x" }] }, "added_tokens has"],
    [{ "pre_tokenizer": bomb }, "its pre_tokenizer has a regular expression"],
    [{ normalizer: { normalizers: [bomb] } }, "its normalizer has a regular"],
    [{ "pre_tokenizer": { type: "Bogus" } }, "a step of it"],
    [{ normalizer: 5 }, "a step of it"],
  ];
  for (const [change, says] of cases) {
    assertThrows(
      () => Tokenizer.fromJson({ ...json, ...change }),
      TypeError,
      `Cannot read tokenizer.json: ${says}`,
    );
  }
});

Deno.test("Tokenizer.encode() says that steps do not fit each other", () => {
  const json = readJson("tokenizer.json", STORIES) as Record<string, unknown>;
  const steps = { "post_processor": { type: "TemplateProcessing", single: 5 } };
  const tokenizer = Tokenizer.fromJson({ ...json, ...steps });
  assertThrows(() => tokenizer.encode("a"), Error, "Cannot encode a text: ");
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
