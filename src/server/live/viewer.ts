import {
  type ServerSentEventMessage,
  ServerSentEventStream,
} from "@std/http/server-sent-event-stream";
import { eventData } from "../http/event_stream.ts";
import type { LiveEventData } from "./live_event.ts";

/** What happens to a viewer. */
export interface ViewerOptions {
  /** Called once, when it went away. */
  readonly onGone: () => void;
}

/**
 * A stream of events for one who looks on. Whoever does not read loses events: of each
 * kind only the newest waits, so a viewer takes the room of a few, whatever it does.
 */
export class Viewer {
  /** The bytes of the events. */
  readonly body: ReadableStream<Uint8Array>;
  /** What is to be sent, by the kind of event. */
  readonly #waiting = new Map<string, ServerSentEventMessage>();
  #controller!: ReadableStreamDefaultController<ServerSentEventMessage>;
  #isOver = false;

  /**
   * Begins a stream without events.
   *
   * @param options Who hears of its end.
   */
  constructor({ onGone }: ViewerOptions) {
    const messages = new ReadableStream<ServerSentEventMessage>({
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#sendOne(),
      cancel: () => {
        this.#isOver = true;
        onGone();
      },
    });
    this.body = messages.pipeThrough(new ServerSentEventStream());
  }

  /**
   * Sends an event, in place of one of its kind that still waits.
   *
   * @param event What kind of event it is.
   * @param data What it says.
   */
  send<Name extends keyof LiveEventData>(
    event: Name,
    data: LiveEventData[Name],
  ): void {
    if (this.#isOver) return;
    this.#waiting.set(event, { event, data: eventData(JSON.stringify(data)) });
    if (this.#controller.desiredSize! > 0) this.#sendOne();
  }

  /** Ends the stream. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#controller.close();
  }

  #sendOne(): void {
    const [next] = this.#waiting;
    if (next === undefined) return;
    this.#waiting.delete(next[0]);
    this.#controller.enqueue(next[1]);
  }
}
