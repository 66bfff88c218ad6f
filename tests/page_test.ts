/// <reference lib="dom" />
/** The page at `/`, in a real browser, with a real model behind it. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
} from "@std/assert";
import type { Locator, Page } from "npm:playwright-core@1.65.1";
import { hasBrowser, openBrowser, openPage } from "./_browser.ts";
import { start } from "./_program.ts";

const MODEL = "models/stories-17m-q";
const KEY = "open sesame";
const PROMPT = "Tell me a story about a little bird";

/** What a user finds on the page. */
function partsOf(page: Page) {
  const button = (name: string | RegExp) =>
    page.getByRole("button", { name, exact: true });
  return {
    message: page.getByRole("textbox", { name: "Message", exact: true }),
    answers: page.locator(".message.assistant"),
    list: page.getByRole("navigation").getByRole("listitem"),
    send: button("Send"),
    stop: button("Stop"),
    regenerate: button("Regenerate the answer"),
    button,
  };
}

/** Waits until a text is longer than so many characters. */
async function growsBeyond(text: Locator, length: number): Promise<string> {
  await text.page().waitForFunction(
    ([element, length]) =>
      (element as HTMLElement).innerText.length > (length as number),
    [await text.elementHandle(), length] as const,
  );
  return await text.innerText();
}

const gridOf = (page: Page): Promise<string> =>
  page.evaluate(() => document.querySelector("canvas")!.toDataURL());

Deno.test({
  name: hasBrowser()
    ? "page: chat, experts and conversations in Chromium"
    : "page: skipped, since there is no /usr/bin/chromium",
  ignore: !hasBrowser(),
  // playwright-core keeps pipes of the browser for a moment after it has closed.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async (t) => {
    await using server = await startServer();
    await using browser = await openBrowser();
    const { page, faults, origins } = await openPage(browser, {
      viewport: { width: 1280, height: 800 },
      colorScheme: "light",
      // What a browser asks its user for; the name may be any.
      httpCredentials: { username: "me", password: KEY },
    });
    await page.goto(server.url);
    await t.step(
      "streams an answer, and stops it with Esc",
      () => streamsAndStops(page),
    );
    await t.step("says in a table what experts did", () => countsExperts(page));
    await t.step(
      "regenerates, with settings, by keyboard",
      () => regenerates(page),
    );
    await t.step("shows text as text", () => showsText(page));
    await t.step(
      "edits the last message and sends it again",
      () => edits(page),
    );
    await t.step("finds its conversations after a reload", () => keeps(page));
    await t.step("has light and dark colours", () => hasColors(page));
    await t.step("fits narrow screens", () => fitsNarrow(page));
    await t.step(
      "deletes conversations, and imports what it exported",
      () => deletes(page),
    );
    await t.step("says nothing to anybody else, and has no errors", () => {
      assertEquals(faults, []);
      assertEquals([...origins], [server.url]);
    });
    await t.step(
      "says when the server is gone, and offers to go on",
      () => losesServer(page, server),
    );
  },
});

/** The server as a user starts it, in a process of its own. */
async function startServer(): Promise<StartedServer> {
  const child = start([
    "serve",
    "--model",
    MODEL,
    "--slots",
    "2",
    "--port",
    "0",
    "--api-key",
    KEY,
  ]);
  const lines = child.stderr.pipeThrough(new TextDecoderStream());
  let said = "";
  const { promise: url, resolve, reject } = Promise.withResolvers<string>();
  const read = (async () => {
    for await (const text of lines) {
      said += text;
      const [, url] = /Listening on (\S+)\n/.exec(said) ?? [];
      if (url !== undefined) resolve(url);
    }
    reject(new Error(`The server ended: ${said}`));
  })();
  let stopped: Promise<void> | undefined;
  const stop = () =>
    stopped ??= (async () => {
      child.kill("SIGTERM");
      await Promise.all([child.status, child.stdout.cancel(), read]);
      await child.stdin.close().catch(() => {});
    })();
  return { url: await url, stop, [Symbol.asyncDispose]: stop };
}

interface StartedServer extends AsyncDisposable {
  readonly url: string;
  stop(): Promise<void>;
}

/** Answers go on until the context is full, so that there is time to stop one. */
async function makeLong(page: Page): Promise<void> {
  await page.route("**/v1/chat/completions", (route) => {
    const body = route.request().postDataJSON();
    return route.continue({ postData: { ...body, "ignore_eos": true } });
  });
}

/** Lets the next answers say something that no story has. */
async function answerWith(page: Page, content: string): Promise<void> {
  const events = [
    { delta: { content }, "finish_reason": null },
    { delta: {}, "finish_reason": "stop" },
  ].map((choice) => JSON.stringify({ choices: [{ index: 0, ...choice }] }));
  const body = [...events, "[DONE]"].map((data) => `data: ${data}\n\n`);
  await page.route(
    "**/v1/chat/completions",
    (route) =>
      route.fulfill({ contentType: "text/event-stream", body: body.join("") }),
  );
}

async function streamsAndStops(page: Page): Promise<void> {
  const { message, answers, list, stop } = partsOf(page);
  await page.getByText("It is no assistant").waitFor();
  await page.getByText("12 of 48 fit in VRAM").waitFor();
  const grid = await gridOf(page);
  await makeLong(page);
  // The message has the focus at once.
  await page.keyboard.type(PROMPT);
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.press("Backspace");
  await page.keyboard.press("Enter");
  const answer = answers.locator(".text");
  await stop.waitFor();
  const begun = await growsBeyond(answer, 0);
  await page.waitForFunction(
    (before) => document.querySelector("canvas")!.toDataURL() !== before,
    grid,
    { polling: 100 },
  );
  const more = await growsBeyond(answer, begun.length);
  assert(more.startsWith(begun.trimEnd()), `${begun} became ${more}`);
  await readsAbove(page, answer);
  await page.keyboard.press("Escape");
  await page.getByText("Stopped", { exact: true }).waitFor();
  const stopped = await answer.innerText();
  assert(stopped.startsWith(more.trimEnd()), stopped);
  assertEquals(await message.inputValue(), "");
  assertEquals(await list.allInnerTexts(), [PROMPT]);
  await page.unroute("**/v1/chat/completions");
}

/** The table says of each layer who is in its two slots, and what was missed. */
async function countsExperts(page: Page): Promise<void> {
  await page.getByText("The same as a table").press("Enter");
  const rows = page.locator("#grid-table tbody tr");
  await page.waitForFunction(() =>
    [...document.querySelectorAll("#grid-table tbody tr")].every((row) =>
      /^\d \d$/.test(row.children[1]!.textContent!) &&
      Number(row.children[3]!.textContent) > 0
    )
  );
  assertEquals(await rows.count(), 6);
}

/** Who scrolls up while an answer grows is not taken back to its end. */
async function readsAbove(page: Page, answer: Locator): Promise<void> {
  const latest = page.getByRole("button", { name: "Latest" });
  await page.setViewportSize({ width: 1280, height: 260 });
  const { length } = await growsBeyond(answer, 150);
  await page.mouse.move(600, 100);
  await page.mouse.wheel(0, -60);
  await latest.waitFor();
  await growsBeyond(answer, length);
  assert(await latest.isVisible());
  await latest.click();
  await latest.waitFor({ state: "hidden" });
  await page.setViewportSize({ width: 1280, height: 800 });
}

async function regenerates(page: Page): Promise<void> {
  const { answers, regenerate, button } = partsOf(page);
  await button("Settings").press("Enter");
  for (
    const [name, value] of [["Max tokens", "8"], ["Temperature", "0"]] as const
  ) {
    await page.getByLabel(name, { exact: true }).fill(value);
  }
  await button("Done").press("Enter");
  await button("Settings, 2 changed").waitFor();
  await regenerate.press("Enter");
  await page.getByText(/^Cut off at the limit of tokens/).waitFor();
  assertEquals(await answers.count(), 1);
  // Greedy, and the prompt is the one before: all but its last token is cached.
  assertMatch(await answers.locator(".text").innerText(), /^Once upon a time/);
  assertMatch(
    await answers.locator(".stats").innerText(),
    /[\d.]+ tok\/s · 8 tokens · \d+ of \d+ prompt tokens cached$/,
  );
}

async function showsText(page: Page): Promise<void> {
  const { message, answers, regenerate } = partsOf(page);
  const markup = `<img src=x onerror="document.title=1">`;
  await answerWith(page, `# Pets\n\n| a | *b* |\n|---|---|\n| ${markup} | 2 |`);
  await message.fill(markup);
  await message.press("Enter");
  await page.locator(".message.user .text", { hasText: markup }).waitFor();
  await regenerate.waitFor();
  const answer = answers.last();
  assertEquals(await answer.getByRole("heading").innerText(), "Pets");
  assertEquals(
    await answer.getByRole("row").allInnerTexts(),
    ["a\tb", `${markup}\t2`],
  );
  assertEquals(await answer.locator("th em").innerText(), "b");
  assertEquals(await page.locator("#messages img").count(), 0);
  await page.unroute("**/v1/chat/completions");
  assertEquals(await page.title(), "stories-17m-q – Moeno");
}

async function edits(page: Page): Promise<void> {
  const { answers, button, regenerate } = partsOf(page);
  await button("Edit your message").press("Enter");
  const field = page.getByRole("textbox", { name: "Your message" });
  await field.fill("And then?");
  await field.press("Enter");
  await page.locator(".message.user .text", { hasText: "And then?" }).waitFor();
  await regenerate.waitFor();
  assertEquals(await page.locator(".message.user").count(), 2);
  assertEquals(await answers.count(), 2);
}

async function keeps(page: Page): Promise<void> {
  const { list, message, button } = partsOf(page);
  await button("New conversation").press("Enter");
  assertEquals(await page.locator(".message").count(), 0);
  await message.fill("A draft");
  const before = await list.allInnerTexts();
  await page.reload();
  assertEquals(await message.inputValue(), "A draft");
  await message.fill("");
  assertEquals(await list.allInnerTexts(), before);
  assertEquals(await page.locator(".message").count(), 4);
  await button("Settings, 2 changed").waitFor();
}

async function hasColors(page: Page): Promise<void> {
  const { button } = partsOf(page);
  const paper = () =>
    page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await paper();
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await paper();
  assertNotEquals(light, dark);
  await button("Colours: system").press("Enter");
  assertEquals(await paper(), light);
  await button("Colours: light").press("Enter");
  await page.emulateMedia({ colorScheme: "light" });
  assertEquals(await paper(), dark);
}

async function fitsNarrow(page: Page): Promise<void> {
  for (const width of [360, 1000, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    const needed = await page.evaluate(() =>
      document.documentElement.scrollWidth
    );
    assertEquals(needed, width);
  }
}

async function deletes(page: Page): Promise<void> {
  const { list, button } = partsOf(page);
  const download = page.waitForEvent("download");
  await button("Export").press("Enter");
  const file = await (await download).path();
  page.once("dialog", (dialog) => dialog.accept());
  await button(`Delete ${PROMPT}`).press("Enter");
  await page.getByText("Begin with a sentence.").waitFor();
  assertEquals(await list.count(), 0);
  await page.reload();
  await page.getByText("Begin with a sentence.").waitFor();
  assertEquals(await list.count(), 0);
  await page.locator("#import-file").setInputFiles(file);
  await page.getByText("1 conversation imported.").waitFor();
  await list.getByRole("button", { name: PROMPT, exact: true }).press("Enter");
  assertEquals(await page.locator(".message").count(), 4);
}

async function losesServer(page: Page, server: StartedServer): Promise<void> {
  const { message, button } = partsOf(page);
  await server.stop();
  await page.getByText("Connection lost").waitFor();
  await message.fill(PROMPT);
  await message.press("Enter");
  await page.getByText("The server cannot be reached.").waitFor();
  await button("Try again").press("Enter");
  await page.getByText("The server cannot be reached.").waitFor();
}
