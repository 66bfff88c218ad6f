// @ts-check
/// <reference lib="dom" />

/**
 * What an element is made with: attributes; `true` sets one without a value,
 * `false` leaves it out; functions listen to events.
 *
 * @typedef {Record<string, string | number | boolean | ((event: Event) => void)>} Attributes
 */

/** @typedef {Node | string} Child */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Makes an element. Strings become text, never markup, so nothing that a model
 * or a user writes is ever read as HTML.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  return equip(document.createElement(tag), attributes, children);
}

/**
 * Makes an element of SVG.
 *
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function svg(tag, attributes = {}, ...children) {
  return equip(document.createElementNS(SVG, tag), attributes, children);
}

/**
 * @template {HTMLElement} Type
 * @param {string} id
 * @param {new () => Type} type
 * @returns {Type} The element of `page.html` with this id.
 */
export function byId(id, type) {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new TypeError(`Cannot find #${id}: no ${type.name} has this id`);
}

/**
 * Sets a text only where it changes, so that nothing is announced twice.
 *
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @returns {boolean} Whether the user wants little to move. */
export function prefersStillness() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/**
 * @template {Element} Type
 * @param {Type} element
 * @param {Attributes} attributes
 * @param {readonly Child[]} children
 * @returns {Type}
 */
function equip(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== false) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...children);
  return element;
}
