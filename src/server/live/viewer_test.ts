import { assertEquals } from "@std/assert";
import type { ExpertsEvent, RatesEvent } from "./live_event.ts";
import { Viewer } from "./viewer.ts";

function experts(timeMs: number): ExpertsEvent {
  return { timeMs, uses: [], resident: [] };
}

/** What a reader gets until the stream ends: the kinds and times of events. */
async function timesIn(
  body: ReadableStream<Uint8Array>,
): Promise<[string, number][]> {
  const text = await new Response(body as BodyInit).text();
  return text.split("\n\n").filter((block) => block !== "").map((block) => {
    const [, event, data] = /^event:(\w+)\ndata: (.*)$/.exec(block)!;
    return [event!, JSON.parse(data!).timeMs];
  });
}

Deno.test("Viewer keeps only the newest events of one who does not read", async () => {
  const viewer = new Viewer({ onGone: () => {} });
  for (let timeMs = 1; timeMs <= 1000; timeMs++) {
    viewer.send("experts", experts(timeMs));
    viewer.send("rates", { timeMs } as RatesEvent);
    if (timeMs % 100 === 0) await new Promise((done) => setTimeout(done, 0));
  }
  const reading = timesIn(viewer.body);
  await new Promise((done) => setTimeout(done, 0));
  viewer.close();
  const got = await reading;
  assertEquals(got[0], ["experts", 1]);
  assertEquals(got.slice(-2).toSorted(), [["experts", 1000], ["rates", 1000]]);
  assertEquals(got.length <= 6, true, `${got.length} of 2000 were kept`);
});

Deno.test("Viewer tells once that its reader went away, and takes events ever after", async () => {
  let goneCount = 0;
  const viewer = new Viewer({ onGone: () => goneCount++ });
  viewer.send("experts", experts(1));
  const reader = viewer.body.getReader();
  await reader.read();
  await reader.cancel();
  viewer.send("experts", experts(2));
  viewer.close();
  assertEquals(goneCount, 1);
});
