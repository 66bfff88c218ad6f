/// <reference lib="dom" />
/** A browser for tests: Debian's Chromium, without a window. */

import {
  type Browser,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "npm:playwright-core@1.65.1";

/** Where `scripts/_setup.sh` installs it. */
const CHROMIUM = "/usr/bin/chromium";

/** Whether there is a browser. */
export function hasBrowser(): boolean {
  try {
    return Deno.statSync(CHROMIUM).isFile;
  } catch {
    return false;
  }
}

/**
 * Starts a browser.
 *
 * @returns The browser; the caller closes it.
 */
export async function openBrowser(): Promise<Browser> {
  // Without the sandbox, which needs what containers do not have.
  return await chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox"],
  });
}

/** A page whose faults are written down. */
export interface WatchedPage {
  readonly page: Page;
  /** What the console and uncaught errors said. */
  readonly faults: string[];
  /** The origins that were asked for something. */
  readonly origins: Set<string>;
}

/**
 * Opens an empty page in a profile of its own.
 *
 * @param browser The browser.
 * @param options The profile.
 * @returns The page, and what it does.
 */
export async function openPage(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const faults: string[] = [];
  const origins = new Set<string>();
  page.on("console", (message) => {
    if (message.type() === "log") return;
    faults.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(String(error.stack)));
  page.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== "data:") origins.add(origin);
  });
  return { page, faults, origins };
}
