import { assertEquals } from "@std/assert";
import { networkFailure } from "./network_failure.ts";
import { TransientError } from "./transient_error.ts";

/** As `fetch()` throws it, with the cause that says more. */
function thrown(reason: string): TypeError {
  const url = "https://h.example/f?signature=secret";
  const cause = new Error(
    `error sending request for url (${url}): ${reason}`,
  );
  return new TypeError(cause.message, { cause });
}

Deno.test("networkFailure() says what to do where nothing can be reached", () => {
  const failure = networkFailure(
    "h.example",
    thrown("client error (Connect): dns error: Name or service not known"),
  ) as TransientError;
  assertEquals(
    [failure.message, failure.wanted],
    [
      "h.example cannot be reached (dns error: Name or service not known)",
      "a connection; HTTPS_PROXY names a proxy, HF_ENDPOINT a mirror",
    ],
  );
});

Deno.test("networkFailure() is transient unless people have to mend it", () => {
  const messages = [
    "client error (Connect): invalid peer certificate: UnknownIssuer",
    "client error (Connect): invalid peer certificate: Expired",
    "client error (Connect): proxy authentication required",
    "client error (SendRequest): connection closed https://h.example/f?s=secret",
  ].map((reason) => {
    const failure = networkFailure("h.example", thrown(reason)) as Error;
    return [failure instanceof TransientError, failure.message];
  });
  assertEquals(messages, [
    [
      false,
      "Cannot trust h.example: invalid peer certificate: UnknownIssuer, wanted DENO_TLS_CA_STORE=system, or DENO_CERT=<file> of an authority that this network adds",
    ],
    [
      false,
      "Cannot trust h.example: invalid peer certificate: Expired, wanted a valid one; is the clock right?",
    ],
    [
      false,
      "Cannot reach h.example: the proxy wants to know who asks, wanted HTTPS_PROXY=http://<user>:<password>@<proxy>",
    ],
    [
      true,
      "h.example does not answer as it should (connection closed …)",
    ],
  ]);
});

Deno.test("networkFailure() leaves alone what is no failure of a network", () => {
  const error = new Deno.errors.NotCapable("Requires net access");
  assertEquals(networkFailure("h.example", error), error);
});
