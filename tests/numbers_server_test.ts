/** A request whose numbers end gets an error, whole or streamed; the next is answered. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { serve } from "../mod.ts";
import { count } from "./_counts.ts";
import { withEngine } from "./_engine.ts";
import { BAD_TOKEN, CHAIN, overflow } from "./_overflow.ts";
import { TINY_CONFIG, tinyCheckpoint } from "./_tiny_checkpoint.ts";

const SAYS =
  /^Cannot continue: layer 1's attention gave NaN at position \d, wanted finite numbers/;

Deno.test("serve() answers 500 where numbers end, and the next request as ever", async () => {
  const harm = overflow("attention", {
    layer: 1,
    width: TINY_CONFIG.hidden_size,
  });
  using model = await tinyCheckpoint({ harm });
  await withEngine(model.path, { contextLength: 64 }, async (engine) => {
    await using server = await serve(engine, { port: 0 });
    const ask = (prompt: number[], fields: object = {}) =>
      fetch(`${server.url}/v1/completions`, {
        method: "POST",
        body: JSON.stringify({
          prompt,
          max_tokens: 8,
          temperature: 0,
          ...fields,
        }),
      });
    const textOf = async () => {
      const response = await ask([1, 2, 3]);
      assertEquals(response.status, 200);
      return (await response.json()).choices[0].text;
    };
    const expected = await textOf();
    // In the prompt; among tokens that the GPU picks, or the host.
    for (
      const [prompt, fields] of [
        [[1, BAD_TOKEN], {}],
        [[1, CHAIN[1]!], {}],
        [[1, CHAIN[1]!], { logit_bias: { 7: 1 } }],
      ] as const
    ) {
      const response = await ask([...prompt], fields);
      assertEquals(response.status, 500);
      assertMatch((await response.json()).error.message, SAYS);
      assertEquals(await textOf(), expected);
      const stream = await ask([...prompt], { ...fields, stream: true });
      const text = await stream.text();
      assert(
        /"error":\{"message":"Cannot continue: layer 1's/.test(text),
        text,
      );
      assertEquals(await textOf(), expected);
      count("numbers", "faults injected", 2);
      count("numbers", "recoveries", 2);
    }
  });
});
