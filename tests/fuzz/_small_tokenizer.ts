/** The files of a tokenizer that is small enough to be read thousands of times. */

const LETTERS = [..."abcdefghilmnoprstuwy"];
const PAIRS = ["th", "in", "er", "on", "▁t", "▁a", "▁th", "▁the", "he"];
const MERGES = [
  ...["t h", "i n", "e r", "o n", "▁ t", "▁ a"],
  ...["▁t h", "▁th e", "h e"],
];

const TOKENS = [
  ...["<unk>", "<s>", "</s>"],
  ...["<0x0A>", "<0xC3>", "<0xA9>", "<0xF0>"],
  ...["▁", ...LETTERS],
  ...PAIRS,
];

/** `tokenizer.json`, made as those of sentencepiece models are. */
export const SMALL_TOKENIZER = {
  version: "1.0",
  truncation: null,
  padding: null,
  "added_tokens": [0, 1, 2].map((id) => ({
    ...{ id, content: TOKENS[id], "single_word": false, lstrip: false },
    ...{ rstrip: false, normalized: false, special: true },
  })),
  normalizer: {
    type: "Sequence",
    normalizers: [
      { type: "Prepend", prepend: "▁" },
      { type: "Replace", pattern: { String: " " }, content: "▁" },
    ],
  },
  "pre_tokenizer": null,
  "post_processor": {
    type: "TemplateProcessing",
    single: [
      { SpecialToken: { id: "<s>", "type_id": 0 } },
      { Sequence: { id: "A", "type_id": 0 } },
    ],
    pair: [{ Sequence: { id: "A", "type_id": 0 } }],
    "special_tokens": { "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] } },
  },
  decoder: {
    type: "Sequence",
    decoders: [
      { type: "Replace", pattern: { String: "▁" }, content: " " },
      { type: "ByteFallback" },
      { type: "Fuse" },
      { type: "Strip", content: " ", start: 1, stop: 0 },
    ],
  },
  model: {
    ...{ type: "BPE", dropout: null, "unk_token": "<unk>" },
    ...{ "continuing_subword_prefix": null, "end_of_word_suffix": null },
    ...{ "fuse_unk": true, "byte_fallback": true, "ignore_merges": false },
    vocab: Object.fromEntries(TOKENS.map((token, id) => [token, id])),
    merges: MERGES,
  },
};

/** `tokenizer_config.json` with a chat template. */
export const SMALL_TOKENIZER_CONFIG = {
  "add_bos_token": true,
  "bos_token": "<s>",
  "eos_token": { content: "</s>", lstrip: false, special: true },
  "unk_token": "<unk>",
  "pad_token": null,
  "model_max_length": 1000,
  "tokenizer_class": "LlamaTokenizer",
  "chat_template":
    "{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}",
};
