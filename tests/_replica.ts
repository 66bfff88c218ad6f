/**
 * A replica of the server as a process of its own, with a made-up engine:
 * `deno run -A tests/_replica.ts <port>`. It ends at SIGTERM as `serve` does.
 *
 * @module
 */

import { fakeEngine } from "../src/server/_fake_engine.ts";
import { serve } from "../src/server/serve.ts";

/** What a token takes, so that requests meet. */
const TOKEN_MS = 5;

if (import.meta.main) {
  using engine = await fakeEngine({
    endsTexts: false,
    onRun: () => new Promise((done) => setTimeout(done, TOKEN_MS)),
  });
  const server = await serve(engine, { port: Number(Deno.args[0]) });
  Deno.addSignalListener("SIGTERM", () => void server.shutdown());
  await server.finished;
  Deno.exit(0);
}
