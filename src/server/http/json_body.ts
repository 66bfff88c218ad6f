import { jsonReason } from "../../io/show_json.ts";
import { ApiError } from "./api_error.ts";
import { isDeepJson } from "./is_deep_json.ts";

/** Brackets that may be open at the same time. */
const MOST_DEPTH = 256;

/** How much of a body is taken, and for how long. */
export interface BodyLimits {
  /** The most bytes. */
  readonly maxBodyBytes: number;
  /** How long it may take to arrive. */
  readonly bodyTimeoutMs: number;
}

/**
 * Reads a request's body as a JSON object.
 *
 * @param request The request, its body unread.
 * @param limits How much is taken.
 * @returns The object.
 * @throws {ApiError} If it is too long (413), too slow (408), no UTF-8, no JSON, no
 * object or too deep (400).
 */
export async function readJsonObject(
  request: Request,
  limits: BodyLimits,
): Promise<Record<string, unknown>> {
  const text = decode(await readBytes(request, limits));
  const value = parse(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw wrongBody("it is no JSON object, wanted one");
}

async function readBytes(
  request: Request,
  { maxBodyBytes, bodyTimeoutMs }: BodyLimits,
): Promise<Uint8Array<ArrayBuffer>> {
  // Who says how long it will be is told before all of it has come.
  if (Number(request.headers.get("content-length")) > maxBodyBytes) {
    throw tooLong(maxBodyBytes);
  }
  const bytes = new Uint8Array(
    new ArrayBuffer(0, {
      maxByteLength: maxBodyBytes,
    }),
  );
  if (request.body === null) return bytes;
  const reader = request.body.getReader();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    reader.cancel().catch(() => {});
  }, bodyTimeoutMs);
  let length = 0;
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (isLate) throw tooSlow(bodyTimeoutMs);
      if (done) return bytes;
      if (length + value.length > maxBodyBytes) throw tooLong(maxBodyBytes);
      bytes.buffer.resize(length + value.length);
      bytes.set(value, length);
      length += value.length;
    }
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw isLate ? tooSlow(bodyTimeoutMs) : wrongBody("it was cut off");
  } finally {
    clearTimeout(timer);
    // What is left of a body that is too long is not waited for.
    reader.cancel().catch(() => {});
  }
}

function decode(bytes: Uint8Array<ArrayBuffer>): string {
  try {
    // A copy, since decoders take no buffers that can grow.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes.slice());
  } catch {
    throw wrongBody("it is no UTF-8, wanted JSON");
  }
}

function parse(text: string): unknown {
  if (isDeepJson(text, MOST_DEPTH)) {
    throw wrongBody(
      `its objects and lists nest more than ${MOST_DEPTH} deep, wanted fewer`,
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw wrongBody(`it is no JSON (${jsonReason(error)}), wanted an object`);
  }
}

function wrongBody(state: string): ApiError {
  return new ApiError(`Cannot read the body: ${state}`, {
    status: 400,
    code: "invalid_json",
  });
}

function tooLong(maxBodyBytes: number): ApiError {
  return new ApiError(
    `Cannot read the body: it is longer than ${maxBodyBytes} bytes, wanted at most these`,
    { status: 413, code: "body_too_large", headers: { connection: "close" } },
  );
}

function tooSlow(timeoutMs: number): ApiError {
  return new ApiError(
    `Cannot read the body: it took longer than ${timeoutMs / 1000} s`,
    { status: 408, code: "body_timeout", headers: { connection: "close" } },
  );
}
