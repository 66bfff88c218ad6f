/** The part of `@std/fmt/colors` that Moeno uses. It obeys `NO_COLOR`. */

/** Switches colour on or off. */
export function setColorEnabled(value: boolean): void;
/** Whether colour is on. */
export function getColorEnabled(): boolean;
/** Bold text. */
export function bold(text: string): string;
/** Dim text. */
export function dim(text: string): string;
/** Red text. */
export function red(text: string): string;
/** Green text. */
export function green(text: string): string;
/** Yellow text. */
export function yellow(text: string): string;
/** Cyan text. */
export function cyan(text: string): string;
/** Text of one of 256 colours. */
export function rgb8(text: string, color: number): string;
/** Text on one of 256 colours. */
export function bgRgb8(text: string, color: number): string;
