// @ts-check
/// <reference lib="dom" />
import { h, setText, svg } from "./dom.js";
import { HISTORY_MS } from "./rate_history.js";

/** @typedef {import("./rate_history.js").ChartPieces} ChartPieces */

const WIDTH = 148;
const HEIGHT = 48;
const RIGHT = 30;

/** A small chart of the last minutes: one line, its axis, its last value. */
export class RateChart {
  element;
  #now = h("strong");
  #top = svg("text", { x: WIDTH - RIGHT + 5, y: 4 });
  #lines = svg("g", { class: "curve" });
  #dot = svg("circle", { class: "now", r: 3, visibility: "hidden" });

  /** @param {string} title */
  constructor(title) {
    const right = WIDTH - RIGHT;
    const minutes = HISTORY_MS / 60_000;
    const label = (
      /** @type {number} */ x,
      /** @type {string} */ text,
      anchor = "start",
    ) => svg("text", { "x": x, "y": HEIGHT + 14, "text-anchor": anchor }, text);
    this.element = h(
      "div",
      { class: "chart" },
      h("div", { class: "title" }, this.#now, title),
      svg(
        "svg",
        { "viewBox": `0 -4 ${WIDTH} ${HEIGHT + 22}`, "aria-hidden": "true" },
        svg("path", {
          class: "rule",
          d: `M0 .5H${right}M0 ${HEIGHT / 2}H${right}M0 ${
            HEIGHT - 0.5
          }H${right}`,
        }),
        this.#top,
        svg("text", { x: right + 5, y: HEIGHT + 2 }, "0"),
        label(0, `−${minutes} min`),
        label(right, "now", "end"),
        this.#lines,
        this.#dot,
      ),
    );
  }

  /**
   * @param {ChartPieces} pieces
   * @param {{ top: string, now: string }} words The value at the top, and now.
   */
  show(pieces, { top, now }) {
    setText(this.#top, top);
    setText(this.#now, now);
    const at = (/** @type {{ x: number, y: number }} */ { x, y }) => ({
      x: (x * (WIDTH - RIGHT)).toFixed(1),
      y: (HEIGHT - 0.5 - y * (HEIGHT - 1)).toFixed(1),
    });
    this.#lines.replaceChildren(...pieces.map((piece) => {
      const points = piece.map(at).map(({ x, y }) => `${x},${y}`);
      // A line of one point would not be seen.
      const [only = ""] = points;
      const all = points.length === 1 ? [only, only] : points;
      return svg("polyline", { points: all.join(" ") });
    }));
    const last = pieces.at(-1)?.at(-1);
    const isNow = last !== undefined && last.x === 1;
    this.#dot.setAttribute("visibility", isNow ? "visible" : "hidden");
    if (!isNow) return;
    const { x, y } = at(last);
    this.#dot.setAttribute("cx", x);
    this.#dot.setAttribute("cy", y);
  }
}
