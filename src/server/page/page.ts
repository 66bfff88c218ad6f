import { createHash } from "node:crypto";
import { eTag, ifNoneMatch } from "@std/http/etag";
import chatCss from "./chat.css" with { type: "text" };
import conversationsCss from "./conversations.css" with { type: "text" };
import expertsCss from "./experts.css" with { type: "text" };
import narrowCss from "./narrow.css" with { type: "text" };
import pageCss from "./page.css" with { type: "text" };
import settingsCss from "./settings.css" with { type: "text" };
import textCss from "./text.css" with { type: "text" };
import page from "./page.html" with { type: "text" };
import { joinModules } from "./join_modules.ts";
import { PAGE_MODULES } from "./page_modules.ts";

/** Later ones win. */
const STYLES = [
  pageCss,
  conversationsCss,
  chatCss,
  textCss,
  expertsCss,
  settingsCss,
  narrowCss,
];

/**
 * Puts the page at `/` together: one file that needs nothing from elsewhere.
 *
 * @returns HTML, and the policy that it runs under: nothing but its own style
 *   and its own script, and requests to its own server.
 */
export function joinPage(): { html: string; policy: string } {
  const style = STYLES.join("\n");
  const script = joinModules(PAGE_MODULES);
  // Functions, since texts may hold "$&".
  const html = page
    .replace("<style></style>", () => `<style>${style}</style>`)
    .replace(
      /(<script[^>]*>)(<\/script>)/,
      (_, open, close) => `${open}${script}${close}`,
    );
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
  return { html, policy };
}

/**
 * Makes what answers requests for the page, GET and HEAD.
 *
 * @returns The handler. It does not look at the path.
 */
export async function pageHandler(): Promise<(request: Request) => Response> {
  const { html, policy } = joinPage();
  const tag = await eTag(html) ?? "";
  const headers = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": policy,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    // Asked for every time, sent only when the server's version has changed.
    "cache-control": "no-cache",
    "etag": tag,
  };
  return ({ method, headers: asked }) => {
    if (!ifNoneMatch(asked.get("if-none-match"), tag)) {
      return new Response(null, { status: 304, headers });
    }
    return new Response(method === "HEAD" ? null : html, { headers });
  };
}

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
