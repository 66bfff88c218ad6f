import { assertEquals, assertStringIncludes } from "@std/assert";
import { serveNotes } from "./serve_notes.ts";

Deno.test("serveNotes() name an address that a browser can open", () => {
  const urls: [string, string][] = [
    ["127.0.0.1", "http://127.0.0.1:80"],
    ["0.0.0.0", "http://127.0.0.1:80"],
    ["::", "http://[::1]:80"],
    ["::1", "http://[::1]:80"],
    ["gpu.example", "http://gpu.example:80"],
  ];
  for (const [host, url] of urls) {
    const [note] = serveNotes(80, { host, apiKey: "k" });
    assertEquals(
      note,
      `# a page to chat on: ${url}/; for programs: ${url}/v1 with your key; Ctrl-C stops`,
    );
  }
});

Deno.test("serveNotes() say when anybody may ask", () => {
  const notes = (host: string, apiKey?: string) =>
    serveNotes(80, { host, apiKey });
  assertStringIncludes(notes("127.0.0.1")[0]!, "with any key");
  assertEquals(notes("127.0.0.1").length, 1);
  assertEquals(notes("0.0.0.0", "k").length, 1);
  assertEquals(
    notes("0.0.0.0")[1],
    "# whoever reaches 0.0.0.0 may use it; --api-key or MOENO_API_KEY sets a key",
  );
});
