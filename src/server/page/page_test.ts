import { assert, assertEquals, assertMatch } from "@std/assert";
import { joinPage, pageHandler } from "./page.ts";

const request = (headers: HeadersInit = {}, method = "GET") =>
  new Request("http://localhost/", { headers, method });

Deno.test("joinPage() needs nothing from elsewhere", () => {
  const { html } = joinPage();
  // Names of namespaces are no addresses.
  const addresses = html.match(/(?:https?:)?\/\/[\w.-]+\.\w+[^\s"'`]*/g) ?? [];
  assertEquals(new Set(addresses), new Set(["http://www.w3.org/2000/svg"]));
  assertEquals(html.match(/<link(?!\s+rel="icon"\s+href="data:)/g), null);
  assertEquals(html.match(/@import|url\(/g), null);
  assertEquals(html.match(/<script/g)?.length, 1);
});

Deno.test("joinPage() never reads text as markup", () => {
  const { html } = joinPage();
  const bad = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b/;
  assertEquals(bad.exec(html), null);
});

Deno.test("pageHandler() sends a page that may run its own script only", async () => {
  const handle = await pageHandler();
  const response = handle(request());
  assertEquals(response.status, 200);
  assertEquals(
    response.headers.get("content-type"),
    "text/html; charset=utf-8",
  );
  const policy = response.headers.get("content-security-policy") ?? "";
  assertMatch(policy, /^default-src 'none'; script-src 'sha256-[\w+/]{43}=';/);
  assert(!/unsafe|\*|data:[^;]*script/.test(policy));
  assertMatch(await response.text(), /^<!doctype html>/);
});

Deno.test("pageHandler() sends the page once", async () => {
  const handle = await pageHandler();
  const tag = handle(request()).headers.get("etag") ?? "";
  for (const tags of [tag, `W/${tag}`, `"other", ${tag}`]) {
    const again = handle(request({ "if-none-match": tags }));
    assertEquals(again.status, 304);
    assertEquals(again.body, null);
  }
  assertEquals(handle(request({ "if-none-match": '"other"' })).status, 200);
  const head = handle(request({}, "HEAD"));
  assertEquals([head.status, head.body], [200, null]);
});
