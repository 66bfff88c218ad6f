/**
 * What it means that no answer came, or no end of one.
 *
 * @module
 */
import { TransientError } from "./transient_error.ts";

/**
 * Makes an error that says what to do of one that `fetch()` threw. No address is
 * in it: that of a file may hold a signature that is as good as a key.
 *
 * @param host The host that was asked.
 * @param error What was thrown.
 * @returns A {@linkcode TransientError}, unless only people can mend it; what
 * `fetch()` does not throw for a network, as it is.
 */
export function networkFailure(host: string, error: unknown): unknown {
  if (!(error instanceof TypeError)) return error;
  const { message } = error.cause instanceof Error ? error.cause : error;
  const [, kind, text = message] =
    /client error \((\w+)\): (.*)$/s.exec(message) ?? [];
  const reason = text.replace(/\w+:\/\/\S+/g, "…");
  if (reason.startsWith("invalid peer certificate")) {
    return new Error(
      `Cannot trust ${host}: ${reason}, wanted ${wantedCertificate(reason)}`,
    );
  }
  if (reason === "proxy authentication required") {
    return new Error(
      `Cannot reach ${host}: the proxy wants to know who asks, wanted HTTPS_PROXY=http://<user>:<password>@<proxy>`,
    );
  }
  return kind === "Connect"
    ? new TransientError(`${host} cannot be reached (${reason})`, {
      wanted: "a connection; HTTPS_PROXY names a proxy, HF_ENDPOINT a mirror",
    })
    : new TransientError(`${host} does not answer as it should (${reason})`);
}

/** Networks of companies look into what passes, with certificates of their own. */
function wantedCertificate(reason: string): string {
  return reason.includes("UnknownIssuer")
    ? "DENO_TLS_CA_STORE=system, or DENO_CERT=<file> of an authority that this network adds"
    : "a valid one; is the clock right?";
}
