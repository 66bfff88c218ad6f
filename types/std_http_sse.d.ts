/** The part of `@std/http` that Moeno uses. */

/** A message of a stream of events. */
export interface ServerSentEventMessage {
  /** What readers ignore: it keeps the connection alive. */
  comment?: string;
  /** The kind of event; none counts as `message`. */
  event?: string;
  /** What it says. */
  data?: string;
  /** What a reader sends when it comes back. */
  id?: string | number;
  /** Milliseconds until a reader should come back. */
  retry?: number;
}

/** Messages to bytes. */
export class ServerSentEventStream
  extends TransformStream<ServerSentEventMessage, Uint8Array> {
  /** Constructs the transform. */
  constructor();
}
