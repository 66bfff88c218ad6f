/** Colours that people tell apart who see red and green alike (Okabe and Ito). */
const LINES = [
  { light: "#0072b2", dark: "#56b4e9" },
  { light: "#d55e00", dark: "#e69f00" },
  { light: "#007f5c", dark: "#2bbf95" },
  { light: "#a64d86", dark: "#e79bc5" },
];

/** How many lines have colours and marks of their own. */
export const LINE_STYLE_COUNT: number = LINES.length;

/** A share of the largest from which labels on it are inverse. */
export const INVERSE_FROM = 0.75;

const TEXT = { light: "#1f2328", dark: "#f0f6fc" };
const PAPER = { light: "#ffffff", dark: "#0d1117" };
const MUTED = { light: "#59636e", dark: "#9198a1" };
const GRID = { light: "#d8dee4", dark: "#30363d" };
const HEAT = { light: "#0b5cad", dark: "#6cb6ff" };

/**
 * The style sheet of a picture, for light and dark surroundings.
 *
 * @returns CSS.
 */
export function chartStyle(): string {
  const dark = coloursOf("dark");
  return [
    "text{font:12px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif}",
    ".title{font-size:18px;font-weight:600}",
    ".head{font-size:14px;font-weight:600}",
    ".small{font-size:11px}",
    ".mid{text-anchor:middle}",
    ".end{text-anchor:end}",
    ".line{fill:none;stroke-width:2;stroke-linejoin:round}",
    ".line0{stroke-width:3.5}",
    ".best{stroke-dasharray:7 4}",
    ".bound{stroke-dasharray:1.5 4;stroke-linecap:round}",
    ".grid{stroke-width:1}",
    ".band{fill-opacity:.14}",
    ...coloursOf("light"),
    `@media (prefers-color-scheme:dark){${dark.join("")}}`,
  ].join("");
}

function coloursOf(scheme: "light" | "dark"): string[] {
  return [
    `.paper{fill:${PAPER[scheme]}}`,
    `.text{fill:${TEXT[scheme]}}`,
    `.inverse{fill:${PAPER[scheme]}}`,
    `.muted{fill:${MUTED[scheme]}}`,
    `.grid{stroke:${GRID[scheme]}}`,
    `.heat{fill:${HEAT[scheme]}}`,
    `.best{stroke:${TEXT[scheme]}}`,
    `.bound{stroke:${MUTED[scheme]}}`,
    ...LINES.flatMap((colour, i) => [
      `.line${i}{stroke:${colour[scheme]}}`,
      `.mark${i}{fill:${colour[scheme]}}`,
    ]),
  ];
}
