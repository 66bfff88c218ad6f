/**
 * Dates in chat templates.
 *
 * @module
 */

/**
 * Formats a local time as Python's `strftime()` does in the C locale, whatever
 * the locale here is: a prompt must not depend on where it is made.
 *
 * @param date The time.
 * @param format Text with `%Y %y %m %b %B %d %j %a %A %H %I %p %M %S %%`. Any
 * other `%` stays.
 * @returns The text.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { strftime } from "./strftime.ts";
 *
 * assertEquals(strftime(new Date(2024, 6, 5), "%d %b %Y"), "05 Jul 2024");
 * ```
 */
export function strftime(date: Date, format: string): string {
  const named = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat("en-US", options).format(date);
  const digits = (value: number, count = 2) =>
    String(value).padStart(count, "0");
  return format.replace(/%[YymbBdjaAHIpMS%]/g, (directive) => {
    switch (directive[1]) {
      case "Y":
        return String(date.getFullYear());
      case "y":
        return digits(date.getFullYear() % 100);
      case "m":
        return digits(date.getMonth() + 1);
      case "b":
        return named({ month: "short" });
      case "B":
        return named({ month: "long" });
      case "d":
        return digits(date.getDate());
      case "j":
        return digits(dayOfYear(date), 3);
      case "a":
        return named({ weekday: "short" });
      case "A":
        return named({ weekday: "long" });
      case "H":
        return digits(date.getHours());
      case "I":
        return digits((date.getHours() + 11) % 12 + 1);
      case "p":
        return date.getHours() < 12 ? "AM" : "PM";
      case "M":
        return digits(date.getMinutes());
      case "S":
        return digits(date.getSeconds());
      default:
        return "%";
    }
  });
}

function dayOfYear(date: Date): number {
  const day = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return (day - Date.UTC(date.getFullYear(), 0, 0)) / 86_400_000;
}
