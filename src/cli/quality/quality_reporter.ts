import type { PerplexityProgress } from "../../engine/perplexity.ts";
import type { QualityLoad } from "../../engine/quality.ts";
import type { Io } from "../io.ts";
import type { LoadOptions } from "../open_engine.ts";
import { progressLine } from "../progress.ts";
import { foretellProgress } from "./foretell_progress.ts";

/** What is told on stderr while it goes on. */
export interface QualityReporter extends Disposable {
  /** Shows how far the weights are. */
  readonly onLoading: NonNullable<LoadOptions["onProgress"]>;
  /** Hears of a model that was loaded. */
  readonly onLoad: (loaded: QualityLoad) => void;
  /** Shows how far the text is. */
  readonly onForetold: (progress: PerplexityProgress) => void;
  /** Writes a line that stays. */
  readonly say: (text: string) => void;
}

/**
 * Makes what tells how it goes.
 *
 * @param io Where to.
 * @param isQuiet Whether to write nothing.
 * @returns It; disposing of it wipes the line that says how far it is.
 */
export function qualityReporter(io: Io, isQuiet: boolean): QualityReporter {
  const line = progressLine(io, isQuiet);
  let prefix = "";
  let start = 0;
  return {
    onLoading: (progress) => line.show(progress),
    onLoad({ index, count, attnBits, expertBits }) {
      prefix = `${index + 1} of ${count}, ${attnBits}/${expertBits}: `;
      start = performance.now();
    },
    onForetold(progress) {
      const seconds = (performance.now() - start) / 1000;
      line.write(prefix + foretellProgress(progress, seconds));
    },
    say: line.say,
    [Symbol.dispose]: () => line[Symbol.dispose](),
  };
}
