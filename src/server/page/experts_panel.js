// @ts-check
/// <reference lib="dom" />
import { byId, h, prefersStillness, setText } from "./dom.js";
import {
  formatByteRate,
  formatCount,
  formatRate,
  formatShare,
} from "./format.js";
import { GridState } from "./grid_state.js";
import { GridView } from "./grid_view.js";
import { RateChart } from "./rate_chart.js";
import { RateHistory, roundUp } from "./rate_history.js";

/** @typedef {import("../live/live_event.ts").ModelEvent} ModelEvent */
/** @typedef {import("../live/live_event.ts").ExpertsEvent} ExpertsEvent */
/** @typedef {import("../live/live_event.ts").RatesEvent} RatesEvent */
/** @typedef {import("./live_events.js").LiveState} LiveState */

/** @type {Record<LiveState, string>} */
const STATE_WORDS = {
  connecting: "Connecting …",
  open: "",
  lost: "Connection lost, trying again …",
  paused: "",
};

/** @type {Record<ModelEvent["store"], string>} */
const STORE_WORDS = {
  resident: "All are in VRAM: nothing is offloaded.",
  pinned: "the others wait in memory that the GPU reads",
  memory: "the others wait in memory",
  disk: "the others wait on the disk",
  mixed: "the others wait in memory and on the disk",
};

/** What is told in numbers, by what it is called. */
const FIGURES = [
  "hits",
  "misses",
  "over the link",
  "prompt",
  "prefetch used",
  "running, waiting",
];

/** Everything beside the chat: the grid, its table, figures and charts. */
export class ExpertsPanel {
  #view = new GridView();
  /** @type {GridState | null} */
  #grid = null;
  /** Whether what is lit was shown for a second, where nothing shall move. */
  #isSeen = false;
  #history = new RateHistory();
  #figures = new Map(FIGURES.map((name) => [name, h("dd", {}, "–")]));
  #hitChart = new RateChart("hit rate");
  #rateChart = new RateChart("tokens per second");
  #table = byId("grid-table", HTMLDetailsElement);
  #connection = byId("connection", HTMLElement);

  constructor() {
    byId("figures", HTMLDListElement).append(
      ...[...this.#figures].map(([name, value]) =>
        h("div", {}, h("dt", {}, name), value)
      ),
    );
    byId("charts", HTMLElement).append(
      this.#hitChart.element,
      this.#rateChart.element,
    );
    this.#table.addEventListener("toggle", () => this.#showTable());
    this.#showCharts();
  }

  /** @param {ModelEvent} model */
  showModel(model) {
    this.#grid = new GridState(model);
    this.#view.show(this.#grid);
    const { layerCount, expertCount, topK, slots, store, adapter } = model;
    const slotCount = slots.reduce((sum, count) => sum + count, 0);
    const isAll = slotCount >= layerCount * expertCount;
    const room = isAll
      ? STORE_WORDS.resident
      : `${formatCount(slotCount)} of ${
        formatCount(layerCount * expertCount)
      } fit in VRAM, ${STORE_WORDS[store]}.`;
    byId("about-model", HTMLElement).textContent =
      `${layerCount} layers of ${expertCount} experts, ${topK} of them for` +
      ` each token. ${room}`;
    byId("about-model", HTMLElement).title = adapter;
  }

  /** @param {ExpertsEvent} experts */
  showExperts(experts) {
    if (this.#grid === null) return;
    if (this.#isSeen) this.#grid.darken();
    this.#isSeen = false;
    this.#grid.apply(experts, performance.now());
    if (!prefersStillness()) this.#view.update();
  }

  /** @param {RatesEvent} rates */
  showRates(rates) {
    this.#history.add(rates);
    const used = rates.prefetchUsedBytes;
    const prefetched = used + rates.prefetchWastedBytes;
    this.#set("prompt", formatRate(rates.promptTokensPerSecond), "tok/s");
    const link = formatByteRate(rates.linkBytesPerSecond);
    this.#set("over the link", link.value, link.unit);
    this.#set("hits", formatCount(rates.hits));
    this.#set("misses", formatCount(rates.misses));
    this.#set(
      "prefetch used",
      prefetched === 0 ? "–" : formatShare(used / prefetched),
    );
    this.#set("running, waiting", `${rates.running}, ${rates.queued}`);
    this.#showCharts();
    this.#showTable();
    if (prefersStillness()) this.#showStill();
  }

  /** @param {LiveState} state */
  showState(state) {
    setText(this.#connection, STATE_WORDS[state]);
    this.#connection.classList.toggle("lost", state === "lost");
  }

  /** Tells that colours have changed. */
  readColors() {
    this.#view.readColors();
  }

  /** Without motion, a picture a second says what was used in it. */
  #showStill() {
    if (this.#isSeen) this.#grid?.darken();
    this.#view.update();
    this.#isSeen = true;
  }

  #showCharts() {
    const { latest } = this.#history;
    const hitRate = (/** @type {RatesEvent} */ rates) => rates.hitRate;
    const speed = (/** @type {RatesEvent} */ rates) => rates.tokensPerSecond;
    this.#hitChart.show(this.#history.pieces(hitRate, 1), {
      top: "100 %",
      now: formatShare(latest?.hitRate ?? null),
    });
    const top = roundUp(this.#history.max(speed));
    this.#rateChart.show(this.#history.pieces(speed, top), {
      top: formatCount(top),
      now: latest === null ? "–" : formatRate(latest.tokensPerSecond),
    });
  }

  #showTable() {
    const grid = this.#grid;
    if (!this.#table.open || grid === null) return;
    const rows = Array.from({ length: grid.layerCount }, (_, layer) => {
      const { resident, hits, misses, prefetches } = grid.rowOf(layer);
      return h(
        "tr",
        {},
        h("th", { scope: "row" }, String(layer)),
        h("td", {}, resident.length === 0 ? "none" : resident.join(" ")),
        ...[hits, misses, prefetches].map((n) => h("td", {}, formatCount(n))),
      );
    });
    this.#table.querySelector("tbody")?.replaceChildren(...rows);
  }

  /**
   * @param {string} name
   * @param {string} value
   * @param {string} [unit]
   */
  #set(name, value, unit = "") {
    const cell = this.#figures.get(name);
    cell?.replaceChildren(value, ...unit === "" ? [] : [h("small", {}, unit)]);
  }
}
