import type { GenerateResult } from "../../engine/generate.ts";
import { asApiError } from "../http/api_error.ts";
import { eventStream, type Send } from "../http/event_stream.ts";
import { fulfilledWithin } from "../http/fulfilled_within.ts";
import { clientIsGone, type RequestLife } from "../request_life.ts";
import type { RequestQueue } from "../request_queue.ts";
import type { ServedEngine } from "../served_engine.ts";
import { type AnswerFormat, type Usage, usageOf } from "./answer_format.ts";
import type { Ask } from "./ask.ts";
import { type ChoicePiece, runAsk } from "./run_ask.ts";

/** A comment keeps a waiting connection open; proxies often close after 60 s. */
const KEEP_ALIVE_MS = 10_000;

/** Characters of a stream that wait for a slow reader. */
const MAX_BUFFERED = 256 * 1024;

/** How a request to the model ended. */
export interface AnswerRecord {
  /** The HTTP status; of a stream that failed, the one that it would have had. */
  readonly status: number;
  /** From the request to its turn, in ms. */
  readonly queuedMs: number;
  /** From the request to its end, in ms. */
  readonly totalMs: number;
  /** From the request to its first token, in ms; `null` if there was none. */
  readonly firstTokenMs: number | null;
  /** Tokens and times of the answers that were begun. */
  readonly usage: Usage;
  /** Why it was not answered, if it was not. */
  readonly error?: string;
}

/** Hears what the server does for a request. */
export interface AnswerListener {
  /** The request goes to the model; `ended()` will be called. */
  began?(): void;
  /** Some tokens of a prompt have run. */
  promptTokens?(count: number): void;
  /** A token of an answer has come. */
  token?(): void;
  /** The request has been answered, or not. */
  ended?(record: AnswerRecord): void;
}

/** What an answer is made with. */
export interface AnswerOptions {
  /** The model. */
  readonly engine: ServedEngine;
  /** Who else wants it. */
  readonly queue: RequestQueue;
  /** How the answers become JSON. */
  readonly format: AnswerFormat;
  /** How long a reader may take nothing of a stream, in ms. */
  readonly stallMs: number;
  /** How long the head of a stream may wait for the request's turn, in ms. */
  readonly headMs: number;
  /** Until when the request is to be answered; ends with the answer. */
  readonly life: RequestLife;
  /** Hears of it. */
  readonly listener: AnswerListener;
}

/**
 * Answers a request once it is its turn: whole, or piece by piece.
 *
 * @param ask The request.
 * @param options What it is answered with.
 * @returns The response.
 * @throws {ApiError} If it cannot be answered; a stream that has begun tells of it in
 * its last event.
 */
export async function answer(
  ask: Ask,
  options: AnswerOptions,
): Promise<Response> {
  const work = new Work(ask, options);
  const { life, queue, stallMs, headMs } = options;
  let hasHead = false;
  try {
    // Who has been told that an answer comes gets one, also while the server stops.
    const turn = queue.join(life.signal, { isKept: () => hasHead });
    if (!ask.isStream) return Response.json(await work.whole(turn));
    // Until then a status can turn it away, so that it may ask another server.
    await fulfilledWithin(turn, headMs);
    hasHead = true;
    return eventStream((send) => work.stream(turn, send), {
      onGone: () => life.end(clientIsGone()),
      keepAliveMs: KEEP_ALIVE_MS,
      maxBuffered: MAX_BUFFERED,
      stallMs,
    });
  } catch (error) {
    work.end(error);
    throw error;
  }
}

/** One request on its way to the model and back. */
class Work {
  readonly #ask: Ask;
  readonly #options: AnswerOptions;
  readonly #startMs = performance.now();
  readonly #finals: GenerateResult[] = [];
  #turnMs: number | undefined;
  #firstTokenMs: number | undefined;
  #hasEnded = false;

  constructor(ask: Ask, options: AnswerOptions) {
    this.#ask = ask;
    this.#options = options;
    options.listener.began?.();
  }

  /** The answers as one object. */
  async whole(turn: Promise<Disposable>): Promise<object> {
    const choices: ChoicePiece[][] = [];
    for await (const step of this.#steps(turn)) {
      (choices[step.index] ??= []).push(step);
    }
    this.end();
    return this.#options.format.whole(choices, this.#usage());
  }

  /** The answers as events; the last one says that there are no more. */
  async stream(turn: Promise<Disposable>, send: Send): Promise<void> {
    const { format } = this.#options;
    try {
      let begun = -1;
      for await (const step of this.#steps(turn)) {
        if (step.index > begun) await sendObject(send, format.first(step));
        begun = step.index;
        await sendObject(send, format.piece(step));
      }
      if (this.#ask.includesUsage) {
        await sendObject(send, format.usage(this.#usage()));
      }
      await send("[DONE]");
      this.end();
    } catch (error) {
      this.end(error);
      throw error;
    }
  }

  /** Tells once how it went. */
  end(error?: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const { engine, life, listener } = this.#options;
    life[Symbol.dispose]();
    // Now and not with the next request: who sees /health may send none.
    if (engine.loss !== null) engine.revive().catch(() => {}); // /health says why
    const now = performance.now();
    listener.ended?.({
      status: error === undefined ? 200 : asApiError(error).status,
      queuedMs: (this.#turnMs ?? now) - this.#startMs,
      totalMs: now - this.#startMs,
      firstTokenMs: this.#firstTokenMs === undefined
        ? null
        : this.#firstTokenMs - this.#startMs,
      usage: this.#usage(),
      ...error !== undefined && { error: asApiError(error).message },
    });
  }

  async *#steps(
    turn: Promise<Disposable>,
  ): AsyncGenerator<ChoicePiece, void> {
    const { engine, life: { signal }, listener } = this.#options;
    using _turn = await turn;
    this.#turnMs = performance.now();
    const onPromptTokens = (count: number) => listener.promptTokens?.(count);
    for await (
      const step of runAsk(engine, this.#ask, { signal, onPromptTokens })
    ) {
      const { id, final } = step.piece;
      if (id !== null) {
        this.#firstTokenMs ??= performance.now();
        listener.token?.();
      }
      if (final) this.#finals.push(final);
      if (final?.finishReason === "cancelled") throw signal.reason;
      yield step;
    }
  }

  #usage(): Usage {
    return usageOf(this.#finals, this.#ask.count);
  }
}

async function sendObject(send: Send, object: object | null): Promise<void> {
  if (object !== null) await send(JSON.stringify(object));
}
