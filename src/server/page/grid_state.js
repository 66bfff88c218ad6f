// @ts-check

/** @typedef {import("../live/live_event.ts").ModelEvent} ModelEvent */
/** @typedef {import("../live/live_event.ts").ExpertsEvent} ExpertsEvent */

/** The time in which a light loses half of its strength. */
const HALF_LIFE_MS = 280;

/** Lights below it are out. */
const DARK = 0.03;

/** How strongly one use lights a cell that was dark. */
const STRENGTH = 0.6;

/**
 * The grid of layers and experts: who is in VRAM, and how strongly each cell is
 * lit by hits, misses and prefetches. Times are given to it, nothing is drawn.
 *
 * Cells are indexed by `layer * expertCount + expert`.
 */
export class GridState {
  layerCount;
  expertCount;
  /** Lights between 0 and 1, each (layerCount * expertCount). */
  lights;
  /** Counts since the beginning, each (layerCount * expertCount). */
  totals;
  /** @type {Uint8Array} 1 if the expert is in VRAM. */
  resident;
  #timeMs = 0;

  /** @param {Pick<ModelEvent, "layerCount" | "expertCount" | "slots">} model */
  constructor({ layerCount, expertCount, slots }) {
    const cellCount = layerCount * expertCount;
    const lights = () => new Float32Array(cellCount);
    const totals = () => new Float64Array(cellCount);
    this.layerCount = layerCount;
    this.expertCount = expertCount;
    this.lights = { hits: lights(), misses: lights(), prefetches: lights() };
    this.totals = { hits: totals(), misses: totals(), prefetches: totals() };
    this.resident = new Uint8Array(cellCount);
    // Where there is room for all, all are there, also before the first event.
    for (let cell = 0; cell < cellCount; cell++) {
      const layer = Math.floor(cell / expertCount);
      this.resident[cell] = (slots[layer] ?? 0) >= expertCount ? 1 : 0;
    }
  }

  /**
   * Takes in an event. What it says of cells that there are not is ignored.
   *
   * @param {Pick<ExpertsEvent, "uses" | "resident">} event
   * @param {number} nowMs
   */
  apply({ uses, resident }, nowMs) {
    this.fadeTo(nowMs);
    for (const [layer, expert, hits, misses, prefetches] of uses) {
      const cell = this.#cellOf(layer, expert);
      if (cell === -1) continue;
      this.#add("hits", cell, hits);
      this.#add("misses", cell, misses);
      this.#add("prefetches", cell, prefetches);
    }
    for (const [layer, experts] of resident.entries()) {
      if (layer >= this.layerCount) break;
      const from = layer * this.expertCount;
      this.resident.fill(0, from, from + this.expertCount);
      for (const expert of experts) {
        const cell = this.#cellOf(layer, expert);
        if (cell !== -1) this.resident[cell] = 1;
      }
    }
  }

  /**
   * Lets lights fade.
   *
   * @param {number} nowMs
   * @returns {boolean} Whether any is still lit.
   */
  fadeTo(nowMs) {
    const rest = 0.5 ** (Math.max(0, nowMs - this.#timeMs) / HALF_LIFE_MS);
    this.#timeMs = Math.max(this.#timeMs, nowMs);
    let isLit = false;
    for (const lights of Object.values(this.lights)) {
      for (const [cell, light] of lights.entries()) {
        if (light === 0) continue;
        const faded = light * rest;
        lights[cell] = faded < DARK ? 0 : faded;
        isLit ||= faded >= DARK;
      }
    }
    return isLit;
  }

  /** Turns all lights out at once. */
  darken() {
    for (const lights of Object.values(this.lights)) lights.fill(0);
  }

  /**
   * @param {number} layer
   * @returns {{ layer: number, resident: number[], hits: number,
   *   misses: number, prefetches: number }} What the table says of a layer.
   */
  rowOf(layer) {
    const from = layer * this.expertCount;
    const to = from + this.expertCount;
    const sum = (/** @type {Float64Array} */ totals) =>
      totals.subarray(from, to).reduce((a, b) => a + b, 0);
    return {
      layer,
      resident: [...this.resident.subarray(from, to).entries()]
        .flatMap(([expert, isIn]) => isIn === 1 ? [expert] : []),
      hits: sum(this.totals.hits),
      misses: sum(this.totals.misses),
      prefetches: sum(this.totals.prefetches),
    };
  }

  /**
   * @param {"hits" | "misses" | "prefetches"} kind
   * @param {number} cell
   * @param {number} count
   */
  #add(kind, cell, count) {
    if (!(count > 0)) return;
    const light = this.lights[kind][cell] ?? 0;
    this.lights[kind][cell] = 1 - (1 - light) * (1 - STRENGTH) ** count;
    this.totals[kind][cell] = (this.totals[kind][cell] ?? 0) + count;
  }

  /**
   * @param {number} layer
   * @param {number} expert
   */
  #cellOf(layer, expert) {
    const isCell = layer >= 0 && layer < this.layerCount && expert >= 0 &&
      expert < this.expertCount;
    return isCell ? layer * this.expertCount + expert : -1;
  }
}
