// @ts-check
/// <reference lib="dom" />
import { byId, prefersStillness } from "./dom.js";

/** @typedef {import("./grid_state.js").GridState} GridState */

const GAP = 2;
const LABEL_WIDTH = 26;
const HEAD_HEIGHT = 16;

/**
 * Draws the grid: a row for each layer, a column for each expert. A cell is
 * filled if its expert is in VRAM. A hit fills it with light, a miss frames it,
 * a prefetch is a dot in it, so that shapes say what colours say.
 */
export class GridView {
  #canvas = byId("grid", HTMLCanvasElement);
  /** @type {GridState | null} */
  #grid = null;
  #isScheduled = false;
  /** @type {Record<string, string>} */
  #colors = {};

  constructor() {
    new ResizeObserver(() => this.#schedule()).observe(this.#canvas);
    this.readColors();
  }

  /** @param {GridState} grid */
  show(grid) {
    this.#grid = grid;
    this.#canvas.setAttribute(
      "aria-label",
      `${grid.layerCount} layers of ${grid.expertCount} experts: which are in` +
        " VRAM, and what they do. The table below says it in words.",
    );
    this.#schedule();
  }

  /** Tells that the grid has changed. */
  update() {
    this.#schedule();
  }

  /** Tells that colours have changed. */
  readColors() {
    for (const name of ["in", "out", "hit", "miss", "prefetch"]) {
      const sample = document.querySelector(`.legend .${name} i`);
      if (sample !== null) this.#colors[name] = getComputedStyle(sample).color;
    }
    const { color, outlineColor } = getComputedStyle(this.#canvas);
    this.#colors["text"] = color;
    this.#colors["paper"] = outlineColor;
    this.#schedule();
  }

  #schedule() {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    requestAnimationFrame((nowMs) => {
      this.#isScheduled = false;
      if (this.#grid === null || this.#canvas.clientWidth === 0) return;
      const isMoving = !prefersStillness() && this.#grid.fadeTo(nowMs);
      this.#draw(this.#grid);
      if (isMoving) this.#schedule();
    });
  }

  /** @param {GridState} grid */
  #draw({ layerCount, expertCount, resident, lights }) {
    const context = this.#canvas.getContext("2d");
    if (context === null) return;
    const width = this.#canvas.clientWidth;
    const cellWidth = (width - LABEL_WIDTH + GAP) / expertCount;
    const cellHeight = Math.max(9, Math.min(26, Math.round(320 / layerCount)));
    this.#fit(width, HEAD_HEIGHT + layerCount * cellHeight, context);
    context.fillStyle = this.#colors["text"] ?? "";
    context.font = "10.5px system-ui, sans-serif";
    context.textBaseline = "middle";
    this.#drawLabels(context, {
      layerCount,
      expertCount,
      cellWidth,
      cellHeight,
    });
    for (let cell = 0; cell < layerCount * expertCount; cell++) {
      const layer = Math.floor(cell / expertCount);
      const box = {
        x: LABEL_WIDTH + (cell - layer * expertCount) * cellWidth,
        y: HEAD_HEIGHT + layer * cellHeight,
        width: Math.max(1, cellWidth - GAP),
        height: cellHeight - GAP,
      };
      this.#drawCell(context, box, {
        isIn: resident[cell] === 1,
        hit: lights.hits[cell] ?? 0,
        miss: lights.misses[cell] ?? 0,
        prefetch: lights.prefetches[cell] ?? 0,
      });
    }
    context.globalAlpha = 1;
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {{ layerCount: number, expertCount: number, cellWidth: number,
   *   cellHeight: number }} size
   */
  #drawLabels(context, { layerCount, expertCount, cellWidth, cellHeight }) {
    context.textAlign = "center";
    const everyColumn = Math.ceil(18 / cellWidth);
    for (let expert = 0; expert < expertCount; expert += everyColumn) {
      const x = LABEL_WIDTH + expert * cellWidth + (cellWidth - GAP) / 2;
      context.fillText(String(expert), x, HEAD_HEIGHT / 2 - 1);
    }
    context.textAlign = "right";
    const everyRow = Math.ceil(13 / cellHeight);
    for (let layer = 0; layer < layerCount; layer += everyRow) {
      const y = HEAD_HEIGHT + layer * cellHeight + (cellHeight - GAP) / 2;
      context.fillText(String(layer), LABEL_WIDTH - 8, y + 0.5);
    }
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {{ x: number, y: number, width: number, height: number }} box
   * @param {{ isIn: boolean, hit: number, miss: number, prefetch: number }} cell
   */
  #drawCell(context, { x, y, width, height }, { isIn, hit, miss, prefetch }) {
    const radius = Math.min(3, height / 4, width / 4);
    context.beginPath();
    if (isIn) context.roundRect(x, y, width, height, radius);
    else context.roundRect(x + 0.5, y + 0.5, width - 1, height - 1, radius);
    context.globalAlpha = 1;
    context.lineWidth = 1;
    context.fillStyle = this.#colors["in"] ?? "";
    context.strokeStyle = this.#colors["out"] ?? "";
    if (isIn) context.fill();
    else context.stroke();
    if (hit > 0) {
      context.globalAlpha = hit;
      context.fillStyle = this.#colors["hit"] ?? "";
      context.fill();
    }
    // Frames and dots get smaller, not paler: their colours stay what they are.
    context.globalAlpha = 1;
    if (miss > 0) {
      const line = Math.min(3, height / 3) * miss;
      context.lineWidth = line;
      context.strokeStyle = this.#colors["miss"] ?? "";
      context.beginPath();
      context.roundRect(
        x + line / 2,
        y + line / 2,
        width - line,
        height - line,
        radius,
      );
      context.stroke();
    }
    if (prefetch > 0) {
      const size = Math.min(5, width / 4, height / 2.2) *
        (0.4 + 0.6 * prefetch);
      // A ring in the page's colour sets it off from any light.
      for (
        const [name, radius] of /** @type {const} */ ([
          ["paper", size],
          ["prefetch", Math.max(0, size - 0.9)],
        ])
      ) {
        context.fillStyle = this.#colors[name] ?? "";
        context.beginPath();
        context.arc(x + width / 2, y + height / 2, radius, 0, 2 * Math.PI);
        context.fill();
      }
    }
  }

  /**
   * As many pixels as the screen has there.
   *
   * @param {number} width
   * @param {number} height
   * @param {CanvasRenderingContext2D} context
   */
  #fit(width, height, context) {
    const ratio = devicePixelRatio;
    const columns = Math.round(width * ratio);
    const rows = Math.round(height * ratio);
    if (this.#canvas.width !== columns || this.#canvas.height !== rows) {
      this.#canvas.width = columns;
      this.#canvas.height = rows;
      this.#canvas.style.height = `${height}px`;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
  }
}
