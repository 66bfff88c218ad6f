/** Attributes of an element; numbers are rounded to 2 digits. */
export type SvgAttributes = Readonly<Record<string, string | number>>;

/**
 * Writes an element.
 *
 * @param name Its name.
 * @param attributes Its attributes.
 * @param children What is in it, as SVG.
 * @returns SVG.
 */
export function element(
  name: string,
  attributes: SvgAttributes,
  ...children: readonly string[]
): string {
  const list = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${escapeXml(shown(value))}"`)
    .join("");
  return children.length === 0
    ? `<${name}${list}/>`
    : `<${name}${list}>${children.join("")}</${name}>`;
}

/**
 * Writes a line of text.
 *
 * @param content The text, which may hold anything.
 * @param attributes Its place and class.
 * @returns SVG.
 */
export function text(content: string, attributes: SvgAttributes): string {
  return element("text", attributes, escapeXml(content));
}

/**
 * Writes text so that XML and HTML take it for nothing else.
 *
 * @param content Anything.
 * @returns The text; characters that XML has no way to write become U+FFFD.
 */
export function escapeXml(content: string): string {
  return content.toWellFormed()
    // deno-lint-ignore no-control-regex
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "\ufffd")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/**
 * The `d` of a path through points.
 *
 * @param points Their x and y.
 * @returns The commands.
 */
export function pathThrough(
  points: readonly (readonly [number, number])[],
): string {
  return points
    .map(([x, y], i) => `${i === 0 ? "M" : "L"}${shown(x)} ${shown(y)}`)
    .join("");
}

function shown(value: string | number): string {
  return typeof value === "number"
    ? String(Math.round(value * 100) / 100)
    : value;
}
