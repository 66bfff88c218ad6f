import { ApiError } from "../http/api_error.ts";
import { readJsonObject } from "../http/json_body.ts";
import { clientIsGone, RequestLife } from "../request_life.ts";
import type { RequestQueue } from "../request_queue.ts";
import type { Routes } from "../routes.ts";
import type { ServeSettings } from "../serve_options.ts";
import type { ServedEngine } from "../served_engine.ts";
import { answer, type AnswerListener } from "./answer.ts";
import type { AnswerFormat } from "./answer_format.ts";
import type { Ask } from "./ask.ts";
import { chatFormat } from "./chat_format.ts";
import { parseChatRequest } from "./chat_request.ts";
import { checkOptions } from "./check_options.ts";
import { checkPrompt } from "./check_prompt.ts";
import { completionFormat } from "./completion_format.ts";
import { parseCompletionRequest } from "./completion_request.ts";
import { detokenize, tokenize } from "./tokenize.ts";

/** A body that takes longer than this to arrive is given up. */
const BODY_TIMEOUT_MS = 30_000;

/** What the routes share. */
export interface ModelRoutesOptions {
  /** The model. */
  readonly engine: ServedEngine;
  /** Who wants it. */
  readonly queue: RequestQueue;
  /** The requests that are with it, or on their way. */
  readonly lives: Set<RequestLife>;
  /** Limits. */
  readonly settings: ServeSettings;
}

/**
 * Makes the routes of the OpenAI-compatible API.
 *
 * @param options What they share.
 * @returns The routes.
 */
export function modelRoutes(
  { engine, queue, lives, settings }: ModelRoutesOptions,
): Routes {
  const model = modelObject(engine);
  const { name, tokenizer } = engine;
  const limits = {
    maxBodyBytes: settings.maxBodyBytes,
    bodyTimeoutMs: Math.min(settings.timeoutMs, BODY_TIMEOUT_MS),
  };
  const bodyOf = (request: Request) => readJsonObject(request, limits);

  async function run(
    request: Request,
    { ask, format, listener }: {
      ask: Ask;
      format: AnswerFormat;
      listener: AnswerListener;
    },
  ): Promise<Response> {
    for (const prompt of ask.prompts) checkPrompt(engine, prompt);
    checkOptions(engine, ask);
    const life = new RequestLife(settings.timeoutMs);
    lives.add(life);
    request.signal.addEventListener("abort", () => life.end(clientIsGone()));
    return await answer(ask, {
      engine,
      queue,
      format,
      stallMs: settings.stallMs,
      headMs: settings.headMs,
      life,
      listener: {
        ...listener,
        ended: (record) => {
          lives.delete(life);
          listener.ended?.(record);
        },
      },
    });
  }

  return {
    "/v1/chat/completions": {
      POST: async (request, listener) => {
        const ask = parseChatRequest(await bodyOf(request));
        const format = chatFormat({ model: name, tokenizer, call: ask.call });
        return await run(request, { ask, format, listener });
      },
    },
    "/v1/completions": {
      POST: async (request, listener) => {
        const ask = parseCompletionRequest(await bodyOf(request));
        const { echoes } = ask;
        const format = completionFormat({ model: name, tokenizer, echoes });
        return await run(request, { ask, format, listener });
      },
    },
    "/v1/models": {
      GET: () => Response.json({ object: "list", data: [model] }),
    },
    "/v1/models/*": {
      GET: (request) => {
        const { pathname } = new URL(request.url);
        const id = pathname.slice("/v1/models/".length);
        if (id === encodeURIComponent(model.id) || id === model.id) {
          return Response.json(model);
        }
        throw new ApiError(
          `Cannot find the model ${id}: this server has ${model.id} only`,
          { status: 404, param: "model", code: "model_not_found" },
        );
      },
    },
    "/tokenize": {
      POST: async (request) =>
        Response.json(tokenize(engine, await bodyOf(request))),
    },
    "/detokenize": {
      POST: async (request) =>
        Response.json(detokenize(engine, await bodyOf(request))),
    },
  };
}

/** OpenAI's object for the one model, with its context. */
function modelObject({ name, contextLength, config }: ServedEngine) {
  return {
    id: name,
    object: "model",
    created: Math.floor(Date.now() / 1000),
    "owned_by": "moeno",
    meta: { "n_ctx": contextLength, "n_vocab": config.vocabSize },
  };
}
