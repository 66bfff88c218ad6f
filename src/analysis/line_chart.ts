import { LINE_STYLE_COUNT } from "./chart_style.ts";
import { element, pathThrough, text } from "./svg.ts";
import { tickStep } from "./tick_step.ts";

/** How a line looks: one of the data, the best there is, or a bound. */
export type LineStyle = number | "best" | "bound";

/** A line of a chart. */
export interface ChartLine {
  /** What the legend calls it. */
  readonly name: string;
  /** The number of its colour and mark, or what it stands for. */
  readonly style: LineStyle;
  /** Values 0 to 1, for each x. */
  readonly values: readonly number[];
}

/** What lies between two values at each x. */
export interface ChartBand {
  /** What the legend calls it. */
  readonly name: string;
  /** The number of its colour. */
  readonly style: number;
  /** Values 0 to 1, for each x. */
  readonly low: readonly number[];
  /** Values 0 to 1, for each x. */
  readonly high: readonly number[];
}

/** A chart of shares. */
export interface LineChart {
  /** What it shows. */
  readonly title: string;
  /** What x is. */
  readonly xLabel: string;
  /** Whole numbers, ascending. */
  readonly xs: readonly number[];
  /** Its lines, in the order of the legend. */
  readonly lines: readonly ChartLine[];
  /** Its band, behind the lines. */
  readonly band?: ChartBand | undefined;
}

/** Where a chart is. */
export interface ChartPlace {
  /** Its left end. */
  readonly x: number;
  /** Its upper end. */
  readonly y: number;
  /** How wide it is. */
  readonly width: number;
}

const PLOT_HEIGHT = 220;
const TITLE_HEIGHT = 30;
const AXIS_WIDTH = 44;
const AXIS_HEIGHT = 44;
const LEGEND_ROW = 20;
/** Wider than any of our fonts at 12 px. */
const LETTER_WIDTH = 6.6;
const SWATCH_WIDTH = 30;

/**
 * Draws a chart with a legend below it.
 *
 * @param chart The chart.
 * @param place Where it goes.
 * @returns SVG, and how high it is.
 */
export function drawLineChart(
  chart: LineChart,
  { x, y, width }: ChartPlace,
): { svg: string; height: number } {
  const left = x + AXIS_WIDTH;
  const right = x + width - 10;
  const top = y + TITLE_HEIGHT;
  const bottom = top + PLOT_HEIGHT;
  const [first, last] = [chart.xs[0]!, chart.xs.at(-1)!];
  // A point alone stands in the middle.
  const span = last - first;
  const toX = (value: number) =>
    span === 0
      ? (left + right) / 2
      : left + 12 + (value - first) / span * (right - left - 24);
  const toY = (value: number) => bottom - value * PLOT_HEIGHT;
  const pointsOf = (values: readonly number[]) =>
    values.map((value, i) => [toX(chart.xs[i]!), toY(value)] as const);
  const parts = [text(chart.title, { x, y: y + 12, class: "head text" })];
  for (let tick = 0; tick <= 5; tick++) {
    const at = toY(tick / 5);
    const ends = { x1: left, x2: right, y1: at, y2: at };
    parts.push(
      element("line", { ...ends, class: "grid" }),
      text(`${tick * 20} %`, { x: left - 8, y: at + 4, class: "end muted" }),
    );
  }
  for (const value of ticksOf(first, last, (right - left) / 30)) {
    const at = { x: toX(value), y: bottom + 18, class: "mid muted" };
    parts.push(text(String(value), at));
  }
  const middle = { x: (left + right) / 2, y: bottom + 36, class: "mid muted" };
  parts.push(text(chart.xLabel, middle));
  const { band } = chart;
  if (band !== undefined) {
    const around = [...pointsOf(band.high), ...pointsOf(band.low).reverse()];
    const d = `${pathThrough(around)}Z`;
    parts.push(element("path", { d, class: `band mark${band.style}` }));
  }
  // Bounds lie behind. Of lines that meet, the first is the widest, so that all
  // are seen.
  const isBound = ({ style }: ChartLine) => style === "bound";
  const behind = chart.lines.filter(isBound);
  const inFront = chart.lines.filter((line) => !isBound(line));
  for (const { style, values } of [...behind, ...inFront]) {
    const points = pointsOf(values);
    const d = pathThrough(points);
    parts.push(element("path", { d, class: classOf(style) }));
    if (typeof style !== "number" || points.length > 40) continue;
    parts.push(...points.map((point) => mark(style, point)));
  }
  const legend = drawLegend(chart, { x, y: bottom + AXIS_HEIGHT, width });
  return {
    svg: [...parts, legend.svg].join("\n"),
    height: TITLE_HEIGHT + PLOT_HEIGHT + AXIS_HEIGHT + legend.height,
  };
}

/** Whole numbers, as many as there is room for. */
function ticksOf(first: number, last: number, room: number): number[] {
  const step = tickStep(last - first, room);
  const from = step === 1 ? first : Math.ceil(first / step) * step;
  const count = Math.floor((last - from) / step) + 1;
  return Array.from({ length: count }, (_, i) => from + i * step);
}

/** Names beside what they stand for, in as many rows as it takes. */
function drawLegend(
  { lines, band }: LineChart,
  { x, y, width }: ChartPlace,
): { svg: string; height: number } {
  const right = x + width;
  let at = { x, y: y + 12 };
  const entries = [...lines, ...band === undefined ? [] : [band]];
  const svg = entries.map((entry) => {
    const length = SWATCH_WIDTH + entry.name.length * LETTER_WIDTH;
    if (at.x > x && at.x + length > right) at = { x, y: at.y + LEGEND_ROW };
    const [from, middle] = [at.x, at.y - 4];
    at = { ...at, x: from + length + 14 };
    return "low" in entry
      ? element("rect", {
        x: from,
        y: middle - 6,
        width: 24,
        height: 12,
        class: `band mark${entry.style}`,
      }) + text(entry.name, { x: from + 30, y: middle + 4, class: "text" })
      : element("path", {
        d: `M${from} ${middle}h24`,
        class: classOf(entry.style),
      }) +
        (typeof entry.style === "number"
          ? mark(entry.style, [from + 12, middle])
          : "") +
        text(entry.name, { x: from + 30, y: middle + 4, class: "text" });
  });
  return { svg: svg.join("\n"), height: at.y - y + 8 };
}

function classOf(style: LineStyle): string {
  return typeof style === "number"
    ? `line line${style % LINE_STYLE_COUNT}`
    : `line ${style}`;
}

/** A circle, square, triangle or diamond. */
function mark(style: number, [x, y]: readonly [number, number]): string {
  const i = style % LINE_STYLE_COUNT;
  const name = { class: `mark${i}` };
  if (i === 0) return element("circle", { cx: x, cy: y, r: 5, ...name });
  const corners = i === 1
    ? [[-3, -3], [3, -3], [3, 3], [-3, 3]]
    : i === 2
    ? [[0, -4.5], [4, 3], [-4, 3]]
    : [[0, -4.5], [4.5, 0], [0, 4.5], [-4.5, 0]];
  const d = pathThrough(corners.map(([dx, dy]) => [x + dx!, y + dy!]));
  return element("path", { d: `${d}Z`, ...name });
}
