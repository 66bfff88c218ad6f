/**
 * A hub like Hugging Face on two ports of this machine: one answers questions and
 * redirects large files to the other, as a hub does to its content network. Faults
 * come by script.
 */

import { createHash } from "node:crypto";

/** The files of a model by path. */
export type Files = Readonly<Record<string, Uint8Array<ArrayBuffer>>>;

/** A request that came. */
export interface SeenRequest {
  /** Which port it came to. */
  readonly port: "hub" | "cdn";
  /** The path of the address, decoded, and its query. */
  readonly path: string;
  readonly authorization: string | null;
  readonly range: string | null;
}

/** What goes wrong with an answer. */
export interface Fault {
  /** Another status, without a body. */
  readonly status?: number;
  /** More headers, which replace the right ones. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The connection ends after so many bytes of the body. */
  readonly dropAfter?: number;
  /** The connection stays open after so many bytes, but no more come. */
  readonly stallAfter?: number;
  /** The first byte of the body is another. */
  readonly isWrong?: boolean;
  /** The whole file comes, whatever was asked for. */
  readonly ignoresRange?: boolean;
}

/** How the hub is. */
export interface HubServerOptions {
  /** Says what goes wrong with a request, if anything. */
  fault?: (request: SeenRequest) => Fault | undefined;
  /** Called after some bytes of files were sent, with their sum. */
  onSent?: (byteLength: number) => void;
  /** Bytes of a file that are sent at once; then comes a pause. */
  readonly chunkByteLength?: number;
  /** Milliseconds of the pause. */
  readonly pauseMs?: number;
}

/** Sizes and hashes, as the API says them. */
interface Listed {
  readonly path: string;
  readonly byteLength: number;
  readonly sha256: string;
  readonly gitSha1: string;
}

/** The hub. */
export class HubServer implements AsyncDisposable {
  /** Its address. */
  readonly endpoint: string;
  /** What came, in order. */
  readonly requests: SeenRequest[] = [];
  /** What it does wrong; may be changed at any time. */
  options: HubServerOptions;
  /** Bytes of files that were sent. */
  sentByteLength = 0;
  readonly #hub: Deno.HttpServer<Deno.NetAddr>;
  readonly #cdn: Deno.HttpServer<Deno.NetAddr>;
  /** By `owner/name@revision`. */
  readonly #models = new Map<string, { commit: string; files: Files }>();
  readonly #listed = new Map<Files, Listed[]>();
  readonly #stalled: (() => void)[] = [];

  /**
   * Starts it.
   *
   * @param options How it is.
   */
  constructor(options: HubServerOptions = {}) {
    this.options = options;
    const serve = (port: SeenRequest["port"]) =>
      Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen() {} },
        (request) => this.#answer(port, request),
      );
    this.#hub = serve("hub");
    this.#cdn = serve("cdn");
    this.endpoint = `http://127.0.0.1:${this.#hub.addr.port}`;
  }

  /**
   * Makes a commit.
   *
   * @param id The model, as `owner/name`.
   * @param files Its files.
   * @param revision The branch.
   * @returns The commit.
   */
  publish(id: string, files: Files, revision = "main"): string {
    const listed = Object.entries(files).map(([path, bytes]) => ({
      path,
      byteLength: bytes.byteLength,
      sha256: createHash("sha256").update(bytes).digest("hex"),
      gitSha1: createHash("sha1").update(`blob ${bytes.byteLength}\0`)
        .update(bytes).digest("hex"),
    }));
    this.#listed.set(files, listed);
    const commit = createHash("sha1").update(JSON.stringify(listed))
      .digest("hex");
    this.#models.set(`${id}@${revision}`, { commit, files });
    this.#models.set(`${id}@${commit}`, { commit, files });
    return commit;
  }

  #answer(port: SeenRequest["port"], request: Request): Response {
    const url = new URL(request.url);
    const seen: SeenRequest = {
      port,
      path: decodeURIComponent(url.pathname) + url.search,
      authorization: request.headers.get("authorization"),
      range: request.headers.get("range"),
    };
    this.requests.push(seen);
    const fault = this.options.fault?.(seen) ?? {};
    if (fault.status !== undefined) {
      return new Response(null, {
        status: fault.status,
        headers: fault.headers ?? {},
      });
    }
    if (port === "hub" && seen.path.startsWith("/api/")) {
      return this.#tell(seen.path, fault);
    }
    const match = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/([^?]+)/.exec(
      seen.path,
    );
    const [, id, revision, path = ""] = match ?? [];
    const bytes = this.#models.get(`${id}@${revision}`)?.files[path];
    if (bytes === undefined) return refuse(404, "EntryNotFound");
    if (port === "hub" && isLarge(path)) {
      const location =
        `http://127.0.0.1:${this.#cdn.addr.port}${url.pathname}?signature=secret`;
      return new Response(null, { status: 302, headers: { location } });
    }
    return this.#send(bytes, seen.range, fault);
  }

  /** The API: what a model is, and what is in it. */
  #tell(path: string, { headers = {} }: Fault): Response {
    const match =
      /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/([^?]+)\?(.*)$/
        .exec(path);
    const [, id, kind, revision, query = ""] = match ?? [];
    const model = this.#models.get(`${id}@${revision}`);
    if (model === undefined) {
      const isKnown = [...this.#models.keys()].some((key) =>
        key.startsWith(`${id}@`)
      );
      return refuse(404, isKnown ? "RevisionNotFound" : "RepoNotFound");
    }
    const listed = this.#listed.get(model.files)!;
    if (kind === "revision") {
      const siblings = listed.map((file) => ({
        rfilename: file.path,
        // A hub that does not know ?blobs says no more.
        ...headers["x-no-blobs"] === undefined && {
          size: file.byteLength,
          blobId: isLarge(file.path) ? "0".repeat(40) : file.gitSha1,
          ...isLarge(file.path) && {
            lfs: { sha256: file.sha256, size: file.byteLength },
          },
        },
      }));
      return Response.json({ id, sha: model.commit, siblings }, { headers });
    }
    const after = Number(new URLSearchParams(query).get("cursor") ?? 0);
    const next = `</api/models/${id}/tree/${revision}?recursive=true&cursor=${
      after + 2
    }>; rel="next"`;
    const page = listed.slice(after, after + 2).map((file) => ({
      type: "file",
      path: file.path,
      size: file.byteLength,
      oid: isLarge(file.path) ? "0".repeat(40) : file.gitSha1,
      ...isLarge(file.path) && {
        lfs: { oid: file.sha256, size: file.byteLength },
      },
    }));
    return Response.json([{ type: "directory", path: "folder" }, ...page], {
      headers: after + 2 < listed.length ? { link: next } : {},
    });
  }

  /** The content of a file, or a part of it. */
  #send(
    bytes: Uint8Array<ArrayBuffer>,
    range: string | null,
    fault: Fault,
  ): Response {
    const match = /^bytes=(\d+)-(\d+)$/.exec(range ?? "");
    const isPart = match !== null && !fault.ignoresRange;
    const start = isPart ? Number(match[1]) : 0;
    const end = isPart
      ? Math.min(bytes.length, Number(match[2]) + 1)
      : bytes.length;
    const part = bytes.slice(start, end);
    if (fault.isWrong) part[0]! ^= 1;
    return new Response(this.#bodyOf(part, fault), {
      status: isPart ? 206 : 200,
      headers: {
        "content-length": String(part.length),
        ...isPart && {
          "content-range": `bytes ${start}-${end - 1}/${bytes.length}`,
        },
        ...fault.headers,
      },
    });
  }

  #bodyOf(
    part: Uint8Array<ArrayBuffer>,
    { dropAfter = Infinity, stallAfter = Infinity }: Fault,
  ): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { chunkByteLength = 1 << 16, pauseMs = 0 } = this.options;
    const limit = Math.min(dropAfter, stallAfter);
    let at = 0;
    return new ReadableStream({
      pull: async (controller) => {
        if (at >= limit && at < part.length) {
          if (stallAfter < Infinity) {
            await new Promise<void>((resolve) => this.#stalled.push(resolve));
          }
          // Short of what the header says, so the connection ends, too.
          return controller.close();
        }
        if (at >= part.length) return controller.close();
        const end = Math.min(at + chunkByteLength, limit, part.length);
        controller.enqueue(part.slice(at, end));
        this.sentByteLength += end - at;
        at = end;
        this.options.onSent?.(this.sentByteLength);
        if (pauseMs > 0) {
          await new Promise((resolve) => setTimeout(resolve, pauseMs));
        }
      },
    }, { highWaterMark: 0 });
  }

  /** Stops it. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const resolve of this.#stalled) resolve();
    await Promise.all([this.#hub.shutdown(), this.#cdn.shutdown()]);
  }
}

/** Weights are large: they lie elsewhere, and have a SHA-256. */
function isLarge(path: string): boolean {
  return /\.(safetensors|bin|gguf)$/.test(path);
}

function refuse(status: number, code: string): Response {
  return new Response(null, { status, headers: { "x-error-code": code } });
}

/**
 * Makes a fault that happens to the first requests of a kind.
 *
 * @param count How often.
 * @param match Which requests, by port and path.
 * @param fault What happens.
 * @returns The script.
 */
export function times(
  count: number,
  match: { port?: SeenRequest["port"]; path: RegExp },
  fault: Fault,
): (request: SeenRequest) => Fault | undefined {
  return ({ port, path }) => {
    if (match.port !== undefined && match.port !== port) return undefined;
    if (!match.path.test(path) || count-- <= 0) return undefined;
    return fault;
  };
}

/**
 * Makes files of a model that is one by its names only.
 *
 * @param random A source of bytes.
 * @returns The files: some to be fetched, some not.
 */
export function madeUpFiles(
  random: (byteLength: number) => Uint8Array<ArrayBuffer>,
): Record<string, Uint8Array<ArrayBuffer>> {
  const text = (value: string) => new TextEncoder().encode(value);
  return {
    ".gitattributes": text("*.safetensors filter=lfs\n"),
    "README.md": text("# A model\n"),
    "config.json": text(JSON.stringify({ "model_type": "mixtral" })),
    "generation_config.json": text("{}"),
    "model-00001-of-00002.safetensors": random(3_500_001),
    "model-00002-of-00002.safetensors": random(1_200_000),
    "model.safetensors.index.json": text('{"weight_map":{}}'),
    "original/consolidated.00.bin": random(2000),
    "pytorch_model.bin": random(1000),
    "special_tokens_map.json": new Uint8Array(),
    "tokenizer.json": text('{"version":"1.0"}'),
  };
}
