// @ts-check

/**
 * A setting of a request that the page offers.
 *
 * @typedef {object} SettingField
 * @property {string} name As the request names it.
 * @property {string} label
 * @property {"text" | "lines" | "number" | "integer"} kind
 * @property {number} [min]
 * @property {number} [max]
 * @property {string} [unset] What there is if nothing is given, if it is not the
 *   model's own.
 * @property {string} hint What it does, in a few words.
 */

/** @type {readonly SettingField[]} */
export const SETTING_FIELDS = [
  {
    name: "system",
    label: "System message",
    kind: "text",
    hint: "Told to the model before the conversation; not every model takes it",
  },
  {
    name: "temperature",
    label: "Temperature",
    kind: "number",
    min: 0,
    max: 2,
    hint: "0 always takes the likeliest token",
  },
  {
    name: "top_p",
    label: "Top p",
    kind: "number",
    min: 0,
    max: 1,
    hint: "Of the likeliest tokens, this share of probability",
  },
  {
    name: "top_k",
    label: "Top k",
    kind: "integer",
    min: 0,
    hint: "Of the likeliest tokens, so many; 0 is all",
  },
  {
    name: "min_p",
    label: "Min p",
    kind: "number",
    min: 0,
    max: 1,
    hint: "No token less likely than this share of the likeliest",
  },
  {
    name: "repetition_penalty",
    label: "Repetition penalty",
    kind: "number",
    min: 0.01,
    hint: "1 is none; above it, repeating gets less likely",
  },
  {
    name: "max_tokens",
    label: "Max tokens",
    kind: "integer",
    min: 1,
    unset: "what the context holds",
    hint: "An answer ends after so many",
  },
  {
    name: "seed",
    label: "Seed",
    kind: "integer",
    min: 0,
    unset: "another each time",
    hint: "The same seed gives the same answer again",
  },
  {
    name: "stop",
    label: "Stop at",
    kind: "lines",
    hint: "An answer ends before any of these, one on a line",
  },
];

/**
 * What the fields hold, by name. What is empty is left to the model.
 *
 * @typedef {Readonly<Record<string, string>>} Settings
 */

/**
 * @param {SettingField} field
 * @param {string} text What it holds.
 * @returns {string | null} What is wrong with it, or `null`.
 */
export function settingProblem({ kind, min, max }, text) {
  if (text.trim() === "" || kind === "text" || kind === "lines") return null;
  const value = Number(text);
  const noun = kind === "integer" ? "a whole number" : "a number";
  if (!Number.isFinite(value)) return `Wanted ${noun}`;
  if (kind === "integer" && !Number.isSafeInteger(value)) {
    return `Wanted ${noun}`;
  }
  if (min !== undefined && value < min) return `Wanted ${min} or more`;
  if (max !== undefined && value > max) return `Wanted ${max} or less`;
  return null;
}

/**
 * Reads settings that a browser kept; what is not a setting is left out.
 *
 * @param {string | null} json
 * @returns {Settings}
 */
export function parseSettings(json) {
  /** @type {Record<string, unknown>} */
  let kept = {};
  try {
    kept = Object(JSON.parse(json ?? "{}"));
  } catch {
    // Not ours, or cut off: as if there were none.
  }
  return Object.fromEntries(SETTING_FIELDS.flatMap(({ name }) => {
    const value = kept[name];
    return typeof value === "string" && value !== "" ? [[name, value]] : [];
  }));
}

/**
 * @param {Settings} settings
 * @returns {number} How many leave the model's own way.
 */
export function countSettings(settings) {
  return SETTING_FIELDS.filter((field) => isSet(field, settings)).length;
}

/**
 * The fields of a request. What is empty or wrong is left out.
 *
 * @param {Settings} settings
 * @returns {Record<string, number | string[]>} Without the system message,
 *   which is a message.
 */
export function requestFields(settings) {
  /** @type {Record<string, number | string[]>} */
  const fields = {};
  for (const field of SETTING_FIELDS) {
    const text = settings[field.name] ?? "";
    if (field.kind === "text" || !isSet(field, settings)) continue;
    fields[field.name] = field.kind === "lines"
      ? text.split("\n").filter((line) => line !== "")
      : Number(text);
  }
  return fields;
}

/**
 * @param {SettingField} field
 * @param {Settings} settings
 */
function isSet(field, settings) {
  const text = settings[field.name] ?? "";
  return text.trim() !== "" && settingProblem(field, text) === null;
}
