import { assert, assertEquals, assertThrows } from "@std/assert";
import { checkedToken } from "./checked_token.ts";

Deno.test("checkedToken() lets a token go where nobody else reads it", () => {
  for (
    const endpoint of [
      "https://huggingface.co",
      "http://localhost:8080",
      "http://hub.localhost",
      "http://127.0.0.1:1/path",
      "http://[::1]:8080",
    ]
  ) {
    assertEquals(checkedToken("hf_sesame", endpoint), "hf_sesame");
    assertEquals(checkedToken(null, endpoint), null);
  }
  assertEquals(checkedToken(null, "http://mirror.example"), null);
});

Deno.test("checkedToken() refuses without saying the token", () => {
  for (
    const [token, endpoint] of [
      ["hf_sesame", "http://mirror.example"],
      ["hf_sesame", "http://localhost.example:8080"],
      ["hf_sesame", "http://128.0.0.1"],
      ["hf_sesame\nhf_other", "https://huggingface.co"],
      ["hf sesame", "https://huggingface.co"],
      ["hf_sesame\u2603", "https://huggingface.co"],
      ["", "https://huggingface.co"],
    ] as const
  ) {
    const { message } = assertThrows(() => checkedToken(token, endpoint));
    assert(/^Cannot send the token: /.test(message), message);
    assert(!message.includes("sesame"), message);
  }
});
