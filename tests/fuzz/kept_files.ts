/** Files that the program wrote itself, or a browser kept: chats, states, pulls. */

import fc from "npm:fast-check@4.11.0";
import { assert } from "@std/assert";
import { formatChat, parseChat } from "../../src/cli/chat/saved_chat.ts";
import { parseGenerationConfig } from "../../src/engine/generation_config.ts";
import {
  parseState,
  stateMetadata,
  stateTensors,
} from "../../src/engine/state_file.ts";
import { parsePullState } from "../../src/hub/pull_state.ts";
import { parseHeader } from "../../src/io/safetensors.ts";
import { encodeSafetensors } from "../../src/io/safetensors_writer.ts";
import {
  exportConversations,
  parseConversation,
  parseExport,
} from "../../src/server/page/conversation_file.js";
import { mutatedBytes } from "./_mutated_bytes.ts";
import { mutatedJson } from "./_mutated_json.ts";
import { verdictOf } from "./_outcome.ts";
import type { Target } from "./_target.ts";

const MESSAGES = [
  { role: "user" as const, content: "Hello" },
  { role: "assistant" as const, content: "Hi" },
];

const CHAT = {
  ...{ model: "m", system: "be kind", messages: MESSAGES },
  settings: { temperature: 0.5, topK: 3, stop: ["a"], seed: 1, maxTokens: 4 },
};

/** `/load` */
export const SAVED_CHAT: Target<string> = {
  name: "saved chat",
  cases: 400,
  inputs: mutatedJson([JSON.parse(formatChat(CHAT))], {
    values: [MESSAGES, MESSAGES[0], CHAT.settings, "user", "assistant", 0.5],
  }),
  feed: (text) =>
    verdictOf(() => {
      const chat = parseChat(text, "x.json");
      // What was loaded can be saved, and is the same.
      const again = parseChat(formatChat(chat), "y.json");
      assert(JSON.stringify(again) === JSON.stringify(chat), "not the same");
    }),
};

const SHAPE = { layerCount: 1, width: 2, contextLength: 8, vocabSize: 10 };

const STATE = encodeSafetensors(
  stateTensors(3, SHAPE).map((spec) => ({
    ...spec,
    bytes: new Uint8Array(24),
  })),
  stateMetadata({
    ...{ model: "m", ids: [1, 2, 3], check: "ab".repeat(32) },
    turns: [{ prompt: "a", promptIds: [1], answer: "b", answerIds: [2] }],
  }),
);

const IDS = mutatedJson([[1, 2, 3]], { values: [9, 10, -1, 2.5] });
const TURNS = mutatedJson([[
  { prompt: "a", promptIds: [1], answer: "b", answerIds: [2] },
]]);

/** `/load` of keys and values */
export const STATE_FILE: Target<Uint8Array<ArrayBuffer>> = {
  name: "state",
  cases: 400,
  inputs: fc.oneof(
    mutatedBytes([STATE]),
    fc.record({ ids: IDS, turns: TURNS, count: fc.nat(9) })
      .map(({ ids, turns, count }) =>
        encodeSafetensors(
          stateTensors(count, SHAPE).map((spec) => ({
            ...spec,
            bytes: new Uint8Array(8 * count),
          })),
          {
            ...stateMetadata({ model: "m", ids: [], turns: [], check: "a" }),
            ...{ ids: ids.toWellFormed(), turns: turns.toWellFormed() },
          },
        )
      ),
  ),
  feed: (bytes) =>
    verdictOf(() => {
      const state = parseState(parseHeader(bytes), SHAPE, "x.kv.safetensors");
      assert(state.ids.length > 0 && state.ids.length < 8, "ids");
    }),
};

const CONVERSATION = {
  ...{ id: "a", title: "t", updatedMs: 1, firstSent: 0 },
  messages: [
    MESSAGES[0],
    {
      ...{ ...MESSAGES[1], end: "failed" },
      stats: {
        promptTokens: 1,
        cachedTokens: 0,
        tokens: 2,
        tokensPerSecond: 3,
      },
      failure: { kind: "busy", said: "no" },
    },
  ],
};

/** What the page reads. */
export const CONVERSATIONS: Target<string> = {
  name: "conversations",
  cases: 300,
  inputs: mutatedJson([
    JSON.parse(exportConversations([CONVERSATION] as never)),
    CONVERSATION,
  ]),
  feed: (text) => {
    const one = parseConversation(text);
    if (one !== null) assert(one.firstSent <= one.messages.length, "firstSent");
    return verdictOf(() => {
      for (const { messages } of parseExport(text)) {
        for (const { content } of messages) {
          assert(typeof content === "string", "content");
        }
      }
    });
  },
};

const PULL_STATE = {
  files: {
    "a.safetensors": {
      content: "x",
      ranges: [[0, 5], [7, 9]],
      isVerified: false,
    },
    "config.json": { content: "y", ranges: [[0, 3]], isVerified: true },
  },
};

/** What says how far a pull is; nothing of it is ever refused. */
export const PULL_STATES: Target<string> = {
  name: "pull state",
  cases: 300,
  inputs: mutatedJson([PULL_STATE], { values: [[[0, 5]], [5, 0], [0, 1e300]] }),
  feed(text) {
    for (const { ranges } of parsePullState(text).values()) {
      let last = -1;
      for (const [begin, end] of ranges) {
        assert(begin > last && end > begin, `${begin} to ${end}`);
        last = end;
      }
    }
    return "accepted";
  },
};

/** `generation_config.json` */
export const GENERATION_CONFIG: Target<string> = {
  name: "generation",
  cases: 300,
  inputs: mutatedJson([{
    ...{ "eos_token_id": [2, 3], temperature: 0.7, "top_k": 40, "top_p": 0.9 },
    ...{ "min_p": 0, "repetition_penalty": 1.1, "do_sample": true },
  }], { hurtsText: false }),
  feed(text) {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      return "refused";
    }
    return verdictOf(() => {
      const { temperature = 0, topP = 1 } = parseGenerationConfig(json);
      assert(temperature >= 0 && topP >= 0 && topP <= 1, "out of range");
    });
  },
};
