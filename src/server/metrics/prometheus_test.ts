import { assertEquals } from "@std/assert";
import { Histogram, type Metric, prometheusText } from "./prometheus.ts";

Deno.test("prometheusText() escapes what people write", () => {
  const metric: Metric = {
    name: "x",
    help: 'two\nlines, a \\ and a "quote"',
    type: "gauge",
    samples: [
      { labels: { model: 'a "b"\\c\nd', n: 2 }, value: 0.5 },
      { value: Infinity },
      { value: NaN },
      { value: -Infinity },
    ],
  };
  assertEquals(
    prometheusText([metric]),
    '# HELP x two\\nlines, a \\\\ and a "quote"\n# TYPE x gauge\n' +
      'x{model="a \\"b\\"\\\\c\\nd",n="2"} 0.5\nx +Inf\nx NaN\nx -Inf\n',
  );
});

Deno.test("Histogram counts values at most each bound", () => {
  const histogram = new Histogram([0.1, 1, 10]);
  for (const value of [0.05, 0.1, 0.5, 10, 11, 99]) histogram.observe(value);
  const samples = histogram.samples({ path: "/" });
  assertEquals(
    samples.map(({ suffix, labels, value }) => [suffix, labels!.le, value]),
    [
      ["_bucket", "0.1", 2],
      ["_bucket", "1", 3],
      ["_bucket", "10", 4],
      ["_bucket", "+Inf", 6],
      ["_sum", undefined, 120.65],
      ["_count", undefined, 6],
    ],
  );
});
