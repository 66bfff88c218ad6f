import { bgRgb8, getColorEnabled, rgb8 } from "@std/fmt/colors";

/** Eighths of a line of text. */
const BLOCKS = "▁▂▃▄▅▆▇█";
/** Blues of the 256 colours, the lightest first. */
const BLUES = [195, 153, 117, 75, 33, 26, 25, 18];
const BLACK = 16;
const WHITE = 231;
/** The first of the blues that black text cannot be read on. */
const WHITE_FROM = 5;

/**
 * Shows a share as a block as high as it is large, to be read without colours.
 *
 * @param share The share.
 * @param most The largest share there is.
 * @returns A character.
 */
export function blockOf(share: number, most: number): string {
  return BLOCKS[levelOf(share, most)]!;
}

/**
 * Colours the cell of a share, if colours are on.
 *
 * @param cell What is shown.
 * @param share The share.
 * @param most The largest share there is.
 * @returns The cell, as wide as before on a terminal.
 */
export function heated(cell: string, share: number, most: number): string {
  if (!getColorEnabled()) return cell;
  const level = levelOf(share, most);
  return bgRgb8(
    rgb8(cell, level < WHITE_FROM ? BLACK : WHITE),
    BLUES[level]!,
  );
}

function levelOf(share: number, most: number): number {
  return Math.min(7, Math.floor(8 * share / most));
}
