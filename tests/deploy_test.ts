// deno-lint-ignore-file camelcase -- the names are those of the API
/** Three replicas of the server behind HAProxy, with the file from `deploy/`. */

import { assert, assertEquals } from "@std/assert";
import OpenAI from "npm:openai@7.57.0";
import { until } from "../src/server/_until.ts";
import {
  Balanced,
  checkConfig,
  CONFIG,
  HAS_HAPROXY,
  type Name,
  NAMES,
  replicaOf,
} from "./_balanced.ts";
import { count } from "./_counts.ts";

/** Longer bodies do not fit into the balancer's buffer: `tune.bufsize`. */
const BUFFER_LENGTH = 1 << 20;

/** What a client asks for. */
interface Chat {
  readonly messages: { readonly role: string; readonly content: unknown }[];
  readonly max_tokens?: number;
  readonly stream?: boolean;
  readonly prompt_cache_key?: string;
}

/** A chat that a person began; later turns are known by its first message. */
function chatOf(number: number, turnCount = 1): Chat {
  const messages = Array.from({ length: turnCount * 2 - 1 }, (_, i) => ({
    role: i % 2 === 0 ? "user" : "assistant",
    content: i === 0 ? story(number).content : `Turn ${i}`,
  }));
  return { messages, max_tokens: 4 };
}

const SYSTEM = { role: "system", content: 'Answer as {"a": {}, "b": {}}' };

/** How clients write a chat's beginning and, later, more of it. */
const KINDS: Readonly<
  Record<string, (number: number, more: string) => Chat | string>
> = {
  system: (i, more) => ({
    messages: [SYSTEM, story(i), user(more)],
    max_tokens: 1,
  }),
  developer: (i, more) => ({
    messages: [{ ...SYSTEM, role: "developer" }, story(i), user(more)],
    max_tokens: 1,
  }),
  parts: (i, more) => ({
    messages: [user([{ type: "text", text: `Story ${i}` }]), user(more)],
    max_tokens: 1,
  }),
  "system and parts": (i, more) => ({
    messages: [SYSTEM, user([{ type: "text", text: `Story ${i}` }])].concat(
      user(more),
    ),
    max_tokens: 1,
  }),
  "prompt_cache_key": (i, more) => ({
    prompt_cache_key: `story ${i}`,
    messages: [user(more)],
    max_tokens: 1,
  }),
  escapes: (i, more) =>
    String.raw`{"messages": [{"role": "user", "content": "\u4f60 ${i}"}, ` +
    `{"role": "user", "content": "${more}"}], "max_tokens": 1}`,
  "system and escapes": (i, more) =>
    String.raw`{"messages": [{"role": "system", "content": "\u4f60"}, ` +
    `{"role": "user", "content": "${i}"}, ` +
    `{"role": "user", "content": "${more}"}], "max_tokens": 1}`,
  long: (i, more) => ({
    messages: [user(`${i}${"x".repeat(2 * BUFFER_LENGTH)}`), user(more)],
  }),
};

function user(content: unknown): Chat["messages"][number] {
  return { role: "user", content };
}

function story(number: number): Chat["messages"][number] {
  return user(`Tell me story ${number}`);
}

function post(
  { url }: { url: string },
  chat: Chat | string,
  init: RequestInit = {},
): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    body: typeof chat === "string" ? chat : JSON.stringify(chat),
    ...init,
  });
}

/** Which replica answers, whatever it says. */
async function whoAnswers(
  lab: { url: string },
  chat: Chat | string,
  init?: RequestInit,
): Promise<Name> {
  const response = await post(lab, chat, init);
  await response.body?.cancel();
  return replicaOf(response);
}

/** How an answer ended. */
interface Outcome {
  readonly number: number;
  readonly replica: Name;
  /** Whether all of it came. */
  readonly isWhole: boolean;
  /** Whether its beginning came. */
  readonly hasBegun: boolean;
  readonly isStream: boolean;
}

/** Sends a chat and reads the answer, whatever happens. */
async function outcomeOf(
  lab: Balanced,
  number: number,
  isStream: boolean,
): Promise<Outcome> {
  const chat = { ...chatOf(number), max_tokens: 30, stream: isStream };
  const response = await post(lab, chat);
  const about = { number, isStream, replica: replicaOf(response) };
  try {
    const text = await response.text();
    const isWhole = response.status === 200 &&
      text.includes('"finish_reason":"length"');
    return { ...about, isWhole, hasBegun: response.status === 200 };
  } catch {
    return { ...about, isWhole: false, hasBegun: true };
  }
}

/** Many clients, half of them with streams, while something happens. */
async function underLoad(
  lab: Balanced,
  happening: () => Promise<unknown>,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let isOver = false;
  const clients = Array.from({ length: 12 }, async (_, i) => {
    while (!isOver) outcomes.push(await outcomeOf(lab, i, i % 2 === 0));
  });
  const isBusy = () =>
    NAMES.every((n) => outcomes.some((o) => o.replica === n));
  await until(isBusy, "every replica has answered");
  await happening();
  isOver = true;
  await Promise.all(clients);
  return outcomes;
}

/** Chats that a replica answers. */
async function chatsOf(lab: Balanced, name: Name): Promise<number[]> {
  const numbers: number[] = [];
  for (let i = 0; i < 24; i++) {
    if (await whoAnswers(lab, chatOf(i)) === name) numbers.push(i);
  }
  return numbers;
}

async function isBack(lab: Balanced, number: number, name: Name) {
  const isThere = async () => await whoAnswers(lab, chatOf(number)) === name;
  await until(isThere, `${name} has its chats again`);
}

Deno.test({
  name: `replicas behind HAProxy${HAS_HAPROXY ? "" : ": there is none here"}`,
  ignore: !HAS_HAPROXY,
  fn: async (t) => {
    await using lab = await Balanced.start();

    await t.step("the configuration has no faults", async () => {
      const { code, text } = await checkConfig(CONFIG);
      assertEquals(code, 0, text);
      assert(!/warning|alert/i.test(text), text);
    });

    await t.step("a chat stays where its cache is", async () => {
      const counts = new Map<Name, number>();
      for (let i = 0; i < 12; i++) {
        const first = await whoAnswers(lab, chatOf(i));
        const response = await post(lab, chatOf(i, 2));
        assertEquals(replicaOf(response), first, `chat ${i}`);
        const { usage } = await response.json();
        assert(usage.prompt_tokens_details.cached_tokens > 10, `chat ${i}`);
        counts.set(first, (counts.get(first) ?? 0) + 1);
      }
      assertEquals([...counts.keys()].sort(), [...NAMES], "all have work");
    });

    await t.step("what tells chats apart", async () => {
      for (const [kind, bodyOf] of Object.entries(KINDS)) {
        const used = new Set<Name>();
        for (let i = 0; i < 8; i++) {
          const [first, second] = [
            await whoAnswers(lab, bodyOf(i, "One")),
            await whoAnswers(lab, bodyOf(i, "Another")),
          ];
          assertEquals(second, first, `${kind} ${i}`);
          used.add(first);
        }
        assert(used.size > 1, `${kind}: all go to one`);
        count("deployment", "cases tried", 16);
      }
    });

    await t.step("a page and what it shows are of one replica", async () => {
      const used = new Set<Name>();
      for (let i = 0; i < 8; i++) {
        const page = await fetch(lab.url);
        await page.body?.cancel();
        const cookie = page.headers.get("set-cookie")!;
        assert(/^moeno_replica=[\w-]{36}; /.test(cookie), cookie);
        const headers = { cookie: cookie.split(";")[0]! };
        const controller = new AbortController();
        const { signal } = controller;
        const events = await fetch(`${lab.url}/events`, { headers, signal });
        assertEquals(events.status, 200);
        const name = replicaOf(events);
        controller.abort();
        await events.body?.cancel().catch(() => {});
        assertEquals(await whoAnswers(lab, chatOf(i), { headers }), name);
        assertEquals(await whoAnswers(lab, chatOf(i + 1), { headers }), name);
        const again = await fetch(lab.url, { headers });
        await again.body?.cancel();
        assertEquals(again.headers.get("set-cookie"), null);
        used.add(name);
      }
      assert(used.size > 1, "pages go to several");
    });

    await t.step("bodies longer than the buffer stay, too", async () => {
      for (let i = 0; i < 4; i++) {
        const { messages } = chatOf(i);
        for (const length of [BUFFER_LENGTH - 9000, 2 * BUFFER_LENGTH]) {
          const long = [{ role: "assistant", content: "x".repeat(length) }];
          const response = await post(lab, {
            messages: [...messages, ...long, { role: "user", content: "y" }],
          });
          // It has come to the model, whose context is shorter.
          const { error } = await response.json();
          assertEquals(error.code, "context_length_exceeded");
          assertEquals(replicaOf(response), await whoAnswers(lab, chatOf(i)));
        }
      }
    });

    await t.step("the openai client, whole and as a stream", async () => {
      const options = { baseURL: `${lab.url}/v1`, apiKey: "none" };
      const client = new OpenAI({ ...options, maxRetries: 0 });
      const chat = {
        model: "any",
        messages: [{ role: "user" as const, content: "A story" }],
        max_tokens: 60,
        seed: 5,
      };
      const { choices } = await client.chat.completions.create(chat);
      let text = "";
      let pieceCount = 0;
      const running = new Set<number>();
      const stream = await client.chat.completions.create({
        ...chat,
        stream: true,
      });
      for await (const { choices: [choice] } of stream) {
        text += choice!.delta.content ?? "";
        if (++pieceCount % 10 === 0) running.add(await runningCount(lab));
      }
      assertEquals(text, choices[0]!.message.content);
      assert(running.has(1), "pieces come while others are made");
    });

    await t.step("a client that goes ends its answer", async () => {
      for (const stream of [false, true]) {
        const controller = new AbortController();
        const { signal } = controller;
        const chat = { ...chatOf(0), max_tokens: 450, stream };
        const gone = post(lab, chat, { signal })
          .then((response) => response.text()).catch(() => "gone");
        await until(async () => await runningCount(lab) === 1, "it runs");
        controller.abort();
        assertEquals(await gone, "gone");
        await until(async () => await runningCount(lab) === 0, "it has ended");
      }
      // Neither ran to its end.
      const ended = await metricOf(
        lab,
        /^moeno_requests_total\{.*chat.*status="499"\} (\d+)$/m,
      );
      assertEquals(ended, 2);
    });

    await t.step("nothing fails when a replica is told to stop", async () => {
      const chats = await chatsOf(lab, "r1");
      const others = await chatsOf(lab, "r2");
      let code: number | undefined;
      const outcomes = await underLoad(lab, async () => {
        code = await lab.stopReplica("r1", "SIGTERM");
      });
      assertEquals(code, 0);
      assertEquals(outcomes.filter(({ isWhole }) => !isWhole), []);
      for (const i of chats) assert(await whoAnswers(lab, chatOf(i)) !== "r1");
      for (const i of others) {
        assertEquals(await whoAnswers(lab, chatOf(i)), "r2");
      }
      await lab.startReplica("r1");
      await isBack(lab, chats[0]!, "r1");
      assertEquals(await chatsOf(lab, "r1"), chats);
      count("deployment", "faults injected", 1);
      count("deployment", "recoveries", 1);
      count("deployment", "cases tried", outcomes.length);
    });

    await t.step(
      "only begun streams fail when a replica is killed",
      async () => {
        const chats = await chatsOf(lab, "r2");
        const outcomes = await underLoad(lab, async () => {
          await lab.stopReplica("r2", "SIGKILL");
        });
        const broken = outcomes.filter(({ isWhole }) => !isWhole);
        assert(broken.length <= 1, "one request runs at a time");
        for (const { replica, isStream, hasBegun } of broken) {
          assertEquals([replica, isStream, hasBegun], ["r2", true, true]);
        }
        await lab.startReplica("r2");
        await isBack(lab, chats[0]!, "r2");
        count("deployment", "faults injected", 1);
        count("deployment", "recoveries", 1);
        count("deployment", "cases tried", outcomes.length);
      },
    );

    await t.step("metrics of replicas are not for everybody", async () => {
      const response = await fetch(`${lab.url}/metrics`);
      await response.body?.cancel();
      assertEquals(response.status, 404);
    });

    await t.step("the balancer says that nobody is left", async () => {
      for (const name of NAMES) await lab.stopReplica(name, "SIGTERM");
      const health = `${lab.url}/balancer-health`;
      await until(async () => {
        const response = await fetch(health);
        await response.body?.cancel();
        return response.status === 503;
      }, "it knows");
    });
  },
});

/** How many requests are with a model. */
function runningCount(lab: Balanced): Promise<number> {
  return metricOf(lab, /^moeno_requests_running (\d+)$/m);
}

/** A metric, added up over all replicas. */
async function metricOf(lab: Balanced, pattern: RegExp): Promise<number> {
  let sum = 0;
  for (const name of NAMES) {
    const text = await (await fetch(`${lab.urlOf(name)}/metrics`)).text();
    sum += Number(pattern.exec(text)?.[1] ?? 0);
  }
  return sum;
}
