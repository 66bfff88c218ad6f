import type { QueueLength } from "../request_queue.ts";
import type { RequestListener, RequestRecord } from "../request_record.ts";
import { Histogram, type Metric, one, type Sample } from "./prometheus.ts";

/** Seconds that a request, a turn or a first token may take. */
const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** Counts requests and tokens, for `/metrics`. */
export class RequestStats implements RequestListener {
  /** By path and status: few, since paths are those of routes. */
  readonly #requests = new Map<string, Sample & { value: number }>();
  readonly #seconds = new Map<string, Histogram>();
  readonly #queueSeconds = new Histogram(SECONDS);
  readonly #firstTokenSeconds = new Histogram(SECONDS);
  readonly #tokens = { prompt: 0, cached: 0, completion: 0 };
  #decodeRate: number | null = null;

  /** Counts tokens of a prompt that have run. */
  promptTokens(count: number): void {
    this.#tokens.prompt += count;
  }

  /** Counts a token of an answer. */
  token(): void {
    this.#tokens.completion++;
  }

  /** Counts a request. */
  ended({ path, status, totalMs, answer }: RequestRecord): void {
    const key = `${status} ${path}`;
    const value = (this.#requests.get(key)?.value ?? 0) + 1;
    this.#requests.set(key, { labels: { path, status }, value });
    let seconds = this.#seconds.get(path);
    if (seconds === undefined) {
      this.#seconds.set(path, seconds = new Histogram(SECONDS));
    }
    seconds.observe(totalMs / 1000);
    if (answer === undefined) return;
    this.#queueSeconds.observe(answer.queuedMs / 1000);
    const { firstTokenMs, usage: { timings } } = answer;
    if (firstTokenMs !== null) {
      this.#firstTokenSeconds.observe(firstTokenMs / 1000);
    }
    this.#tokens.cached += timings.cache_n;
    this.#decodeRate = timings.predicted_per_second ?? this.#decodeRate;
  }

  /**
   * Says what was counted.
   *
   * @param queue Who is with the model now.
   * @returns The metrics.
   */
  metrics({ running, waiting }: QueueLength): Metric[] {
    const { prompt, cached, completion } = this.#tokens;
    const rate = this.#decodeRate;
    return [
      {
        name: "moeno_requests_total",
        help: "Requests, by route and HTTP status",
        type: "counter",
        samples: [...this.#requests.values()],
      },
      {
        name: "moeno_request_seconds",
        help: "From a request to the end of its answer",
        type: "histogram",
        samples: [...this.#seconds].flatMap(([path, histogram]) =>
          histogram.samples({ path })
        ),
      },
      histogram(
        "moeno_queue_seconds",
        "From a request to its turn",
        this.#queueSeconds,
      ),
      histogram(
        "moeno_first_token_seconds",
        "From a request to its first token, waiting included",
        this.#firstTokenSeconds,
      ),
      one(
        "counter",
        "moeno_prompt_tokens_total",
        "Tokens of prompts that ran",
        prompt,
      ),
      one(
        "counter",
        "moeno_cached_tokens_total",
        "Tokens of prompts whose keys and values were known",
        cached,
      ),
      one(
        "counter",
        "moeno_completion_tokens_total",
        "Tokens of answers",
        completion,
      ),
      one(
        "gauge",
        "moeno_requests_running",
        "Requests with the model",
        running,
      ),
      one("gauge", "moeno_requests_waiting", "Requests in the queue", waiting),
      ...rate === null ? [] : [
        one(
          "gauge",
          "moeno_decode_tokens_per_second",
          "Tokens a second of the newest answer, without its first",
          rate,
        ),
      ],
    ];
  }
}

function histogram(name: string, help: string, values: Histogram): Metric {
  return { name, help, type: "histogram", samples: values.samples() };
}
