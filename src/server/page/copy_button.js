// @ts-check
/// <reference lib="dom" />
import { h } from "./dom.js";

/**
 * @param {() => string} textOf What to copy.
 * @param {string} what It is called, for those who do not see where it stands.
 * @returns {HTMLButtonElement}
 */
export function copyButton(textOf, what) {
  const button = h("button", {
    "type": "button",
    "class": "quiet small",
    "aria-label": `Copy ${what}`,
    click: async () => {
      const isCopied = await copy(textOf());
      button.textContent = isCopied ? "Copied" : "Cannot copy";
      setTimeout(() => button.textContent = "Copy", 1600);
    },
  }, "Copy");
  return button;
}

/** @param {string} text */
async function copy(text) {
  try {
    // There is no clipboard where the page came over plain HTTP from elsewhere.
    if (navigator.clipboard === undefined) return copyBySelection(text);
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/**
 * The old way, which needs no secure context.
 *
 * @param {string} text
 */
function copyBySelection(text) {
  const focused = document.activeElement;
  const area = h("textarea", { class: "visually-hidden" });
  area.value = text;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return isCopied;
}
