// @ts-check
/// <reference lib="dom" />
import { byId } from "./dom.js";
import { keep } from "./storage.js";

const THEME_KEY = "moeno.theme";
const THEMES = ["system", "light", "dark"];

/**
 * The switch between light, dark, and what the system has.
 *
 * @param {Storage} storage Where the choice is kept.
 * @param {() => void} onChange Called when colours have changed.
 */
export function setUpTheme(storage, onChange) {
  const button = byId("theme", HTMLButtonElement);
  const name = byId("theme-name", HTMLElement);
  let theme = storage.getItem(THEME_KEY) ?? "system";
  if (!THEMES.includes(theme)) theme = "system";
  const show = () => {
    document.documentElement.dataset["theme"] = theme;
    name.textContent = theme.charAt(0).toUpperCase() + theme.slice(1);
    button.setAttribute("aria-label", `Colours: ${theme}`);
    button.title = `Colours: ${theme}`;
    onChange();
  };
  button.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
    keep(storage, THEME_KEY, theme);
    show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  show();
}
