import { dim } from "@std/fmt/colors";
import { checkAddress } from "../../server/http/address.ts";
import { serveSettings } from "../../server/serve_options.ts";
import type { ServedEngine } from "../../server/served_engine.ts";
import type { ParsedArgs } from "../args.ts";
import type { Command, Surroundings } from "../command.ts";
import { COMMON_FLAGS } from "../flags.ts";
import type { CliEngine } from "../open_engine.ts";
import { openModel } from "../open_model.ts";
import {
  DEFAULT_PROMPT_CACHE_BYTES,
  PROMPT_CACHE_FLAG,
} from "../prompt_cache_flag.ts";
import { TEXT_LOAD_FLAGS } from "../shared_flags.ts";
import { refuseArguments } from "../usage_error.ts";
import { isProbe, requestLine } from "./request_line.ts";
import { SERVE_FLAGS, serveOptions } from "./serve_flags.ts";
import { serveNotes } from "./serve_notes.ts";

/** `serve`: the model for other programs, and a page to chat on. */
export const SERVE: Command = {
  name: "serve",
  summary: "Serves a model: OpenAI's API, and a page to chat on",
  usage: "[flags]",
  details:
    "Programs for OpenAI's API work with the base URL http://127.0.0.1:8080/v1 and any\n" +
    "model name. / is a page to chat on, with a live picture of the expert cache;\n" +
    "/metrics is for Prometheus, /health for load balancers. Requests run one after\n" +
    "the other. Ctrl-C or SIGTERM lets the running answer end, for --grace at most.",
  flags: [
    ...SERVE_FLAGS,
    PROMPT_CACHE_FLAG,
    ...TEXT_LOAD_FLAGS,
    ...COMMON_FLAGS,
  ],
  run,
};

async function run(
  { values, positional }: ParsedArgs,
  surroundings: Surroundings,
): Promise<number> {
  const { io, interrupts } = surroundings;
  refuseArguments("serve", positional);
  const options = serveOptions(values);
  const settings = serveSettings(options);
  const { host: hostname, port } = settings;
  checkAddress({ hostname, port });
  const { serve } = await import("../../server/serve.ts");
  await using model = await openModel(values, surroundings, {
    promptCacheBytes: (values.promptCacheBytes as number | undefined) ??
      DEFAULT_PROMPT_CACHE_BYTES,
    watchable: true,
  });
  const isQuiet = values.quiet === true;
  const server = await serve(served(model.engine), {
    ...options,
    onRequest: (record) => {
      if (isQuiet || isProbe(record)) return;
      io.err(dim(requestLine(record)) + "\n");
    },
  });
  using _listening = interrupts.listen(() => {
    if (!isQuiet) io.err(dim("Stopping; once more stops at once.") + "\n");
    void server.shutdown();
  }, { isService: true });
  io.err(`Listening on ${server.url}\n`);
  if (!isQuiet) {
    const notes = serveNotes(server.port, settings);
    for (const note of notes) io.err(dim(note) + "\n");
  }
  await server.finished;
  return 0;
}

/** The real engine, as the server knows it. */
function served(engine: CliEngine): ServedEngine {
  if ("chatIds" in engine && "tokenizer" in engine) {
    return engine as CliEngine & ServedEngine;
  }
  throw new Error(`Cannot serve ${engine.name}: it takes no text`);
}
