// @ts-check
/// <reference lib="dom" />
import { byId, h } from "./dom.js";
import {
  countSettings,
  parseSettings,
  SETTING_FIELDS,
  settingProblem,
} from "./settings.js";
import { keep } from "./storage.js";

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {import("./settings.js").SettingField} SettingField */

const SETTINGS_KEY = "moeno.settings";

/** The dialog of settings. They are kept as they are typed. */
export class SettingsDialog {
  #dialog = byId("settings", HTMLDialogElement);
  #badge = byId("settings-count", HTMLElement);
  /** @type {Map<string, HTMLInputElement | HTMLTextAreaElement>} */
  #inputs = new Map();
  /** @type {Storage} */
  #storage;
  /** @type {Settings} */
  #settings;

  /** @param {Storage} storage */
  constructor(storage) {
    this.#storage = storage;
    this.#settings = parseSettings(storage.getItem(SETTINGS_KEY));
    const fields = byId("fields", HTMLElement);
    for (const field of SETTING_FIELDS) fields.append(this.#fieldOf(field));
    byId("open-settings", HTMLButtonElement)
      .addEventListener("click", () => this.open());
    byId("reset-settings", HTMLButtonElement)
      .addEventListener("click", () => this.#reset());
    // A click beside the dialog lands on its backdrop, which is the dialog.
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
    this.#showCount();
  }

  /** @returns {Settings} */
  get settings() {
    return this.#settings;
  }

  open() {
    this.#dialog.showModal();
  }

  #reset() {
    for (const input of this.#inputs.values()) {
      input.value = "";
      input.dispatchEvent(new Event("input"));
    }
    this.#inputs.get("system")?.focus();
  }

  /** @param {SettingField} field */
  #fieldOf(field) {
    const { name, label, kind, hint, unset = "the model’s own" } = field;
    const id = `setting-${name}`;
    const shared = {
      id,
      "aria-describedby": `${id}-hint`,
      autocomplete: "off",
    };
    const isLong = kind === "text" || kind === "lines";
    const input = isLong ? h("textarea", { ...shared, rows: 1 }) : h("input", {
      ...shared,
      inputmode: kind === "integer" ? "numeric" : "decimal",
      placeholder: unset,
    });
    const note = h("p", { id: `${id}-hint`, class: "hint" }, hint);
    const check = () => {
      const problem = settingProblem(field, input.value);
      input.setAttribute("aria-invalid", String(problem !== null));
      note.classList.toggle("wrong", problem !== null);
      note.textContent = problem ?? hint;
    };
    input.value = this.#settings[name] ?? "";
    input.addEventListener("input", () => {
      check();
      this.#settings = parseSettings(
        JSON.stringify({ ...this.#settings, [name]: input.value }),
      );
      this.#keep();
    });
    check();
    this.#inputs.set(name, input);
    return h(
      "div",
      { class: kind === "text" ? "field whole" : "field" },
      h("label", { for: id }, label),
      input,
      note,
    );
  }

  #keep() {
    this.#showCount();
    keep(this.#storage, SETTINGS_KEY, JSON.stringify(this.#settings));
  }

  #showCount() {
    const count = countSettings(this.#settings);
    this.#badge.hidden = count === 0;
    this.#badge.textContent = String(count);
    byId("open-settings", HTMLButtonElement).setAttribute(
      "aria-label",
      count === 0 ? "Settings" : `Settings, ${count} changed`,
    );
  }
}
