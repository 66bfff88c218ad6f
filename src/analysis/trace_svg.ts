import { counted } from "../io/counted.ts";
import { chartStyle } from "./chart_style.ts";
import { drawHeatMap } from "./heat_map.ts";
import type { HitRateCurve } from "./hit_rate_curves.ts";
import { type ChartLine, drawLineChart, type LineChart } from "./line_chart.ts";
import { element, text } from "./svg.ts";
import { describeTrace, type TraceReport } from "./trace_report.ts";

const WIDTH = 880;
const MARGIN = 24;
const GAP = 28;

/**
 * Draws what a trace says: shares of experts, hit rates by slots and recall of
 * guesses, in one picture that needs nothing else, for light and dark pages.
 *
 * @param report The report of `analyzeTrace()`.
 * @returns SVG, 880 wide.
 */
export function traceSvg(report: TraceReport): string {
  const inner = WIDTH - 2 * MARGIN;
  const half = (inner - GAP) / 2;
  const title = `Routing of ${report.model}`;
  const about = describeTrace(report);
  const map = drawHeatMap(report.use, { x: MARGIN, y: 76, width: inner });
  const y = 76 + map.height + GAP - 8;
  const hits = drawLineChart(hitChart(report), { x: MARGIN, y, width: half });
  const right = { x: MARGIN + half + GAP, y, width: half };
  const recall = report.prefetchRecall.length === 0
    ? { svg: drawNoGuess(right), height: 0 }
    : drawLineChart(recallChart(report), right);
  const height = y + Math.max(hits.height, recall.height) + MARGIN - 8;
  return element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      viewBox: `0 0 ${WIDTH} ${Math.ceil(height)}`,
      width: WIDTH,
      height: Math.ceil(height),
      role: "img",
      "aria-label": `${title}: ${about}`,
    },
    element("style", {}, chartStyle()),
    element("rect", { width: "100%", height: "100%", class: "paper" }),
    "\n",
    text(title, { x: MARGIN, y: 36, class: "title text" }),
    text(about, { x: MARGIN, y: 56, class: "muted" }),
    "\n",
    [map.svg, hits.svg, recall.svg].join("\n"),
    "\n",
  ) + "\n";
}

/** Hits by slots. */
function hitChart(
  { hitRates, expertCount, layerCount }: TraceReport,
): LineChart {
  const xs = hitRates[0]!.points.map(({ slots }) => slots);
  const isBest = ({ policy }: HitRateCurve) => policy === "belady";
  const lines = hitRates.map((curve, i): ChartLine => ({
    name: isBest(curve) ? "Belady’s optimum" : curve.policy,
    style: isBest(curve) ? "best" : i,
    values: curve.points.map(({ hitRate }) => hitRate),
  }));
  const [first] = hitRates;
  const layersOf = (pick: (...values: number[]) => number) =>
    first!.points.map(({ layers }) => pick(...layers));
  return {
    title: "Hit rate of the expert cache",
    xLabel: "slots per layer",
    xs,
    lines: [
      ...lines,
      {
        name: "experts drawn at random",
        style: "bound",
        values: xs.map((slots) => slots / expertCount),
      },
    ],
    band: layerCount === 1 || isBest(first!) ? undefined : {
      name: `${first!.policy}, worst to best layer`,
      style: 0,
      low: layersOf(Math.min),
      high: layersOf(Math.max),
    },
  };
}

/** Recall by guesses. */
function recallChart({ prefetchRecall, topK }: TraceReport): LineChart {
  const xs = prefetchRecall[0]!.recalls.map((_, i) => i + 1);
  const lines = prefetchRecall.map(({ depth, recalls }, i): ChartLine => ({
    name: `${counted(depth, "layer")} ahead`,
    style: i,
    values: recalls,
  }));
  return {
    title: "Prefetch recall: used experts among the guessed",
    xLabel: "guessed experts",
    xs,
    lines: [
      ...lines,
      {
        name: "the best there can be",
        style: "bound",
        values: xs.map((count) => Math.min(1, count / topK)),
      },
    ],
  };
}

function drawNoGuess({ x, y }: { x: number; y: number }): string {
  return text("Prefetch recall", { x, y: y + 12, class: "head text" }) +
    text("The trace holds no guesses.", { x, y: y + 40, class: "muted" });
}
