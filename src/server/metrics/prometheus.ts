/** A number of a metric. */
export interface Sample {
  /** What comes after the metric's name, as in `_bucket`. */
  readonly suffix?: string;
  /** What it is about. */
  readonly labels?: Readonly<Record<string, string | number>>;
  /** The number. */
  readonly value: number;
}

/** A metric with all its numbers. */
export interface Metric {
  /** Its name, with its unit, as in `moeno_request_seconds`. */
  readonly name: string;
  /** What it counts or measures, in a sentence. */
  readonly help: string;
  /** How Prometheus treats it. */
  readonly type: "counter" | "gauge" | "histogram";
  /** Its numbers. */
  readonly samples: readonly Sample[];
}

/** The content type of {@linkcode prometheusText}. */
export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * Writes metrics in Prometheus' text format, version 0.0.4.
 *
 * @param metrics The metrics, each name once.
 * @returns The text.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { prometheusText } from "./prometheus.ts";
 *
 * const samples = [{ labels: { status: 200 }, value: 3 }];
 * const metric = { name: "x_total", help: "All x", type: "counter", samples } as const;
 * assertEquals(
 *   prometheusText([metric]),
 *   '# HELP x_total All x\n# TYPE x_total counter\nx_total{status="200"} 3\n',
 * );
 * ```
 */
export function prometheusText(metrics: readonly Metric[]): string {
  const lines: string[] = [];
  for (const { name, help, type, samples } of metrics) {
    lines.push(`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`);
    for (const { suffix = "", labels = {}, value } of samples) {
      lines.push(`${name}${suffix}${written(labels)} ${number(value)}`);
    }
  }
  return lines.map((line) => `${line}\n`).join("");
}

/**
 * Makes a metric of one number.
 *
 * @param type How Prometheus treats it.
 * @param name Its name.
 * @param help What it counts or measures, in a sentence.
 * @param value The number.
 * @returns The metric.
 */
export function one(
  type: "counter" | "gauge",
  name: string,
  help: string,
  value: number,
): Metric {
  return { name, help, type, samples: [{ value }] };
}

/** Counts values by how large they are. */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  /**
   * Begins without values.
   *
   * @param bounds The upper bounds of all buckets but the last, rising.
   */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  /** Counts a value. */
  observe(value: number): void {
    this.#sum += value;
    this.#count++;
    const bucket = this.#bounds.findIndex((bound) => value <= bound);
    if (bucket >= 0) this.#counts[bucket]!++;
  }

  /**
   * The samples of a metric: for each bound how many values are at most it.
   *
   * @param labels What they are about.
   * @returns Buckets, sum and count.
   */
  samples(labels: Sample["labels"] = {}): Sample[] {
    let below = 0;
    const buckets = this.#bounds.map((bound, i) => ({
      suffix: "_bucket",
      labels: { ...labels, le: number(bound) },
      value: below += this.#counts[i]!,
    }));
    return [
      ...buckets,
      {
        suffix: "_bucket",
        labels: { ...labels, le: "+Inf" },
        value: this.#count,
      },
      { suffix: "_sum", labels, value: this.#sum },
      { suffix: "_count", labels, value: this.#count },
    ];
  }
}

function written(labels: Readonly<Record<string, string | number>>): string {
  const pairs = Object.entries(labels).map(([name, value]) =>
    `${name}="${escapeLabel(String(value))}"`
  );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function number(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
