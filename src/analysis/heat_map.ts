import { INVERSE_FROM } from "./chart_style.ts";
import { type ExpertUse, largestShare } from "./expert_use.ts";
import type { ChartPlace } from "./line_chart.ts";
import { element, text } from "./svg.ts";
import { tickStep } from "./tick_step.ts";

const TITLE_HEIGHT = 30;
const LABEL_WIDTH = 118;
/** The least width of a column that has room for numbers. */
const NUMBER_WIDTH = 22;
/** The least height of a row that has room for numbers. */
const NUMBER_HEIGHT = 14;

/**
 * Draws the shares of experts: a column for each layer, a row for each expert, and
 * below them how unequal the shares are, and how often experts are used again.
 *
 * @param use The uses.
 * @param place Where it goes.
 * @returns SVG, and how high it is.
 */
export function drawHeatMap(
  use: ExpertUse,
  { x, y, width }: ChartPlace,
): { svg: string; height: number } {
  const { layers } = use;
  const expertCount = layers[0]!.shares.length;
  const left = x + LABEL_WIDTH;
  const top = y + TITLE_HEIGHT;
  const cell = {
    width: (width - LABEL_WIDTH) / layers.length,
    height: Math.max(3, Math.min(22, 360 / expertCount)),
  };
  const hasNumbers = cell.width >= NUMBER_WIDTH;
  const most = largestShare(use);
  const title = "Share of a layer’s uses that each expert gets, in %";
  const parts = [text(title, { x, y: y + 12, class: "head text" })];
  parts.push(drawScale(most, { x: x + width - 160, y: y + 2, width: 160 }));
  const middleOf = (layer: number) => left + (layer + 0.5) * cell.width;
  parts.push(...drawCells(use, { left, top, most, ...cell }));
  const labelEvery = tickStep(expertCount, expertCount * cell.height / 13);
  for (let expert = 0; expert < expertCount; expert += labelEvery) {
    parts.push(text(expert === 0 ? "expert 0" : String(expert), {
      x: left - 8,
      y: top + (expert + 0.5) * cell.height + 4,
      class: "small end muted",
    }));
  }
  let bottom = top + expertCount * cell.height + 14;
  const addRow = (name: string, cellOf: (layer: number) => string) => {
    parts.push(
      text(name, { x: left - 8, y: bottom, class: "small end muted" }),
    );
    for (const layer of layers.keys()) {
      parts.push(text(cellOf(layer), {
        x: middleOf(layer) - 0.5,
        y: bottom,
        class: "small mid muted",
      }));
    }
    bottom += 17;
  };
  const columnEvery = tickStep(layers.length, width / NUMBER_WIDTH);
  addRow("layer", (layer) => layer % columnEvery === 0 ? String(layer) : "");
  if (hasNumbers) {
    addRow("effective experts", (i) => layers[i]!.effectiveExperts.toFixed(1));
    addRow("used just before, %", (i) => percent(layers[i]!.repeatRate));
    addRow("by chance, %", (i) => percent(layers[i]!.chanceRepeatRate));
  }
  return { svg: parts.join("\n"), height: bottom - y };
}

/** A rectangle for each share, and its number if there is room. */
function drawCells(
  { layers }: ExpertUse,
  { left, top, most, width, height }: {
    left: number;
    top: number;
    most: number;
    width: number;
    height: number;
  },
): string[] {
  // Gaps only where there is room for them.
  const size = {
    width: width - (width > 8 ? 1 : 0),
    height: height - (height > 8 ? 1 : 0),
  };
  const rects: string[] = [];
  const numbers: string[] = [];
  for (const [layer, { shares }] of layers.entries()) {
    for (const [expert, share] of shares.entries()) {
      const [x, y] = [left + layer * width, top + expert * height];
      const part = share / most;
      const look = { ...size, "fill-opacity": part };
      rects.push(element("rect", { x, y, ...look }));
      if (width < NUMBER_WIDTH || height < NUMBER_HEIGHT) continue;
      numbers.push(text((100 * share).toFixed(width < 34 ? 0 : 1), {
        x: x + size.width / 2,
        y: y + size.height / 2 + 4,
        class: `small mid ${part >= INVERSE_FROM ? "inverse" : "text"}`,
      }));
    }
  }
  return [element("g", { class: "heat" }, ...rects), ...numbers];
}

/** What the darkest colour stands for. */
function drawScale(most: number, { x, y, width }: ChartPlace): string {
  const steps = 12;
  const bar = { x: x + 24, width: (width - 76) / steps };
  const cells = Array.from({ length: steps }, (_, i) =>
    element("rect", {
      x: bar.x + i * bar.width,
      y,
      width: bar.width,
      height: 12,
      class: "heat",
      "fill-opacity": (i + 1) / steps,
    }));
  const end = bar.x + steps * bar.width;
  return [
    text("0", { x: bar.x - 6, y: y + 10, class: "small end muted" }),
    ...cells,
    text(`${(100 * most).toFixed(1)} %`, {
      x: end + 6,
      y: y + 10,
      class: "small muted",
    }),
  ].join("");
}

function percent(share: number): string {
  return (100 * share).toFixed(0);
}
