import {
  type ServerSentEventMessage,
  ServerSentEventStream,
} from "@std/http/server-sent-event-stream";
import { asApiError } from "./api_error.ts";
import { fulfilledWithin } from "./fulfilled_within.ts";

/** How a stream treats its reader. */
export interface EventStreamOptions {
  /** Called when the reader goes away. */
  readonly onGone: () => void;
  /** A comment is sent after this long without a message. */
  readonly keepAliveMs: number;
  /** How many characters may wait for the reader. */
  readonly maxBuffered: number;
  /** How long the reader may keep more than that waiting. */
  readonly stallMs: number;
}

/** Sends one message; resolves when the next may be sent. */
export type Send = (data: string) => Promise<void>;

/** The headers of a stream of events. */
export const EVENT_STREAM_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache",
  "x-accel-buffering": "no", // nginx would keep it until the end
};

/**
 * Makes the data of an event, with a space in front: readers may do without it, but
 * not all of them do.
 *
 * @param text What it says.
 * @returns What to send.
 */
export function eventData(text: string): string {
  return ` ${text}`;
}

/**
 * Answers with server-sent events that come as they are made. A reader that is too
 * slow stops whoever makes them, but not for ever, since others wait for the model.
 *
 * @param produce Makes the messages. What it throws becomes the last one.
 * @param options How the reader is treated.
 * @returns The response.
 */
export function eventStream(
  produce: (send: Send) => Promise<void>,
  { onGone, keepAliveMs, maxBuffered, stallMs }: EventStreamOptions,
): Response {
  let timer: ReturnType<typeof setInterval> | undefined;
  let isGone = false;
  let pulled = Promise.withResolvers<void>();
  let lastMs = performance.now();
  const messages = new ReadableStream<ServerSentEventMessage>(
    {
      start(controller) {
        timer = setInterval(() => {
          const isQuiet = performance.now() - lastMs >= keepAliveMs;
          if (isQuiet && controller.desiredSize! > 0) {
            lastMs = performance.now();
            controller.enqueue({ comment: " waiting" });
          }
        }, keepAliveMs);
        const send: Send = async (data) => {
          if (isGone) return;
          lastMs = performance.now();
          controller.enqueue({ data: eventData(data) });
          if (controller.desiredSize! > 0) return;
          if (await fulfilledWithin(pulled.promise, stallMs)) return;
          isGone = true;
          clearInterval(timer);
          const error = new Error(
            `Cannot go on: the reader took nothing for ${stallMs / 1000} s`,
          );
          controller.error(error); // the connection is cut
          throw error;
        };
        // Not awaited: the stream counts as started before it has a message.
        void finish(produce, send).then(() => {
          clearInterval(timer);
          if (!isGone) controller.close();
        });
      },
      pull() {
        pulled.resolve();
        pulled = Promise.withResolvers();
      },
      cancel() {
        isGone = true;
        clearInterval(timer);
        pulled.resolve();
        onGone();
      },
    },
    {
      highWaterMark: maxBuffered,
      size: ({ data = "" }) => data.length + 1,
    },
  );
  const body = messages.pipeThrough(new ServerSentEventStream());
  return new Response(body, { headers: EVENT_STREAM_HEADERS });
}

async function finish(
  produce: (send: Send) => Promise<void>,
  send: Send,
): Promise<void> {
  try {
    await produce(send);
  } catch (error) {
    await send(JSON.stringify(asApiError(error))).catch(() => {});
  }
}
