import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { syntheticTrace } from "../offload/synthetic_trace.ts";
import { storiesTrace, traceOf } from "./_testdata.ts";
import { traceHtml } from "./trace_html.ts";
import { analyzeTrace } from "./trace_report.ts";
import { traceSvg } from "./trace_svg.ts";

/** Fails unless every element is closed, and nothing is left unescaped. */
function assertWellFormed(svg: string): void {
  const open: string[] = [];
  const markup = /<(\/?)([a-z]+)((?: [a-z0-9-]+="[^"<]*")*)(\/?)>/gi;
  const rest = svg.replace(markup, (_, closes, name, __, isEmpty) => {
    if (closes) assertEquals(open.pop(), name);
    else if (!isEmpty) open.push(name);
    return "";
  });
  assertEquals(open, []);
  assert(!/[<>]|&(?!(amp|lt|gt|quot);)/.test(rest), rest.slice(0, 200));
  assert(!/NaN|undefined|Infinity/.test(svg));
}

Deno.test("traceSvg() draws shares, hit rates and recall", async () => {
  const svg = traceSvg(analyzeTrace(await storiesTrace()));
  assertWellFormed(svg);
  assertEquals(svg.match(/<rect [^>]*fill-opacity/g)!.length, 6 * 8 + 12);
  for (
    const label of [
      ...["Routing of stories-17m", "512 decoded tokens; 6 layers of 8 exp"],
      ...["lru", "lfu", "class-lru", "Belady’s optimum", "1 layer ahead"],
      ...[">18.1<", "slots per layer", "prefers-color-scheme:dark"],
    ]
  ) assertStringIncludes(svg, label);
});

Deno.test("traceSvg() draws models of any shape", () => {
  const shapes = [
    { layerCount: 40, expertCount: 64, topK: 8 },
    { layerCount: 1, expertCount: 2, topK: 2 },
    { layerCount: 2, expertCount: 5, topK: 1, guessCount: 0 },
    { layerCount: 100, expertCount: 130, topK: 1 },
  ];
  for (const shape of shapes) {
    const trace = syntheticTrace({ seed: 1, tokenCount: 5, ...shape });
    assertWellFormed(traceSvg(analyzeTrace(trace, { policies: ["lru"] })));
  }
});

Deno.test("a model's name writes no markup", () => {
  const model = '<script>alert("&")</script>\u0007\ud800';
  const report = analyzeTrace({ ...traceOf([[0, 1], [1, 2]]), model });
  assertWellFormed(traceSvg(report));
  assert(!traceHtml(report).includes("<script"));
  assertStringIncludes(
    traceSvg(report),
    ">Routing of &lt;script&gt;alert(&quot;&amp;&quot;)&lt;/script&gt;\ufffd\ufffd<",
  );
});

Deno.test("traceHtml() is one page with all numbers", async () => {
  const trace = await storiesTrace();
  const html = traceHtml(analyzeTrace(trace, { slotCount: 24 }));
  assert(!/src=|href=|url\(|@import/.test(html));
  for (
    const part of [
      "<svg ",
      "<th>class-lru</th>",
      "<td>55.7</td>",
      "Hit rate of each layer by slots, Belady, in %",
      "Prefetch recall of each layer, guessed 1 layer ahead, in %",
      "suggested: --slots 4,6,5,5,2,2",
    ]
  ) assertStringIncludes(html, part);
});
