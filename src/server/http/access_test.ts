import { assertEquals, assertThrows } from "@std/assert";
import {
  type AccessOptions,
  checkKey,
  checkOrigin,
  corsHeaders,
} from "./access.ts";
import { ApiError } from "./api_error.ts";

const OPEN: AccessOptions = { host: "127.0.0.1", cors: [] };

function request(
  url: string,
  headers: Record<string, string> = {},
): Request {
  return new Request(url, { headers });
}

function statusOf(check: () => void): number {
  try {
    check();
    return 200;
  } catch (error) {
    if (error instanceof ApiError) return error.status;
    throw error;
  }
}

Deno.test("checkOrigin() lets in programs, and pages of our own", () => {
  const origin = (origin: string, options: Partial<AccessOptions> = {}) =>
    statusOf(() =>
      checkOrigin(request("http://localhost:8080/v1/models", { origin }), {
        ...OPEN,
        ...options,
      })
    );
  assertEquals(
    statusOf(() => checkOrigin(request("http://[::1]:8080/"), OPEN)),
    200,
  );
  assertEquals(origin("http://localhost:8080"), 200);
  assertEquals(origin("https://localhost:8080"), 200); // behind a proxy
  assertEquals(origin("http://localhost:8081"), 403);
  assertEquals(origin("https://evil.example"), 403);
  assertEquals(origin("null"), 403);
  const cors = ["https://good.example"];
  assertEquals(origin("https://good.example", { cors }), 200);
  assertEquals(origin("https://evil.example", { cors }), 403);
  assertEquals(origin("https://evil.example", { apiKey: "k" }), 403);
  assertEquals(origin("https://evil.example", { cors: ["*"] }), 200);
});

Deno.test("checkOrigin() is not fooled by a name that resolves to this machine", () => {
  const at = (host: string, options: Partial<AccessOptions> = {}) =>
    statusOf(() =>
      checkOrigin(request(`http://${host}:8080/v1/models`), {
        ...OPEN,
        ...options,
      })
    );
  for (const host of ["127.0.0.1", "localhost", "[::1]", "a.localhost"]) {
    assertEquals(at(host), 200);
  }
  for (const host of ["evil.example", "127.0.0.1.evil.example", "1.2.3.4"]) {
    assertEquals(at(host), 403);
    assertEquals(at(host, { apiKey: "k" }), 200); // the key is what counts
    assertEquals(at(host, { host: "0.0.0.0" }), 200);
  }
});

Deno.test("checkKey() takes bearer tokens and passwords", () => {
  const key = "open sesame:1";
  const basic = (pair: string) =>
    `Basic ${new TextEncoder().encode(pair).toBase64()}`;
  const right = [
    basic(`user:${key}`),
    basic(`:${key}`),
    `Bearer ${key}`,
    `bearer  ${key}`,
  ];
  const wrong = [
    "",
    "Bearer",
    "Bearer ",
    "Bearer open",
    "Basic %%%",
    basic(key),
    basic("user:sk"),
    "Digest abc",
  ];
  const status = (authorization: string, apiKey: string | undefined) =>
    statusOf(() =>
      checkKey(request("http://localhost/v1/models", { authorization }), {
        ...OPEN,
        apiKey,
      })
    );
  for (const authorization of right) {
    assertEquals(status(authorization, key), 200);
  }
  assertEquals(status("Bearer sk-1", "sk-1"), 200);
  assertEquals(status("Bearer sk-12", "sk-1"), 401);
  for (const authorization of wrong) {
    assertEquals(status(authorization, key), 401);
    assertEquals(status(authorization, undefined), 200);
  }
});

Deno.test("only the page has a browser ask for a password", () => {
  const asks = (path: string) => {
    const error = assertThrows(
      () =>
        checkKey(request(`http://localhost${path}`), { ...OPEN, apiKey: "k" }),
      ApiError,
    );
    return error.response().headers.get("www-authenticate")!.split(" ")[0];
  };
  assertEquals(asks("/"), "Basic");
  assertEquals(asks("/v1/models"), "Bearer");
});

Deno.test("corsHeaders() name the origin that may read", () => {
  const headers = (origin: string | undefined, cors: string[]) =>
    corsHeaders(
      request("http://localhost/", origin === undefined ? {} : { origin }),
      { ...OPEN, cors },
    )["access-control-allow-origin"];
  assertEquals(
    headers("https://a.example", ["https://a.example"]),
    "https://a.example",
  );
  assertEquals(headers("https://a.example", ["*"]), "https://a.example");
  assertEquals(headers("https://b.example", ["https://a.example"]), undefined);
  assertEquals(headers(undefined, ["*"]), undefined);
});
