import { assert, assertEquals } from "@std/assert";
import { describeRefusal, type Refusal } from "./hub_refusal.ts";

const reference = {
  endpoint: "https://hub.example/hf",
  owner: "o",
  name: "n",
  revision: "v1",
};

function sentence(
  status: number,
  errorCode: string | null = null,
  hasToken = false,
  errorMessage: string | null = null,
): string {
  const refusal: Refusal = {
    ...{ action: "pull o/n", status, errorCode, errorMessage, hasToken },
  };
  return describeRefusal(refusal, reference).replace(/^Cannot pull o\/n: /, "");
}

Deno.test("describeRefusal() says what to do", () => {
  const page = "https://hub.example/hf/o/n";
  assertEquals(
    sentence(401, "GatedRepo"),
    `its terms are to be accepted first, wanted that at ${page}, and HF_TOKEN set to a token of that account, from https://hub.example/hf/settings/tokens`,
  );
  assertEquals(
    sentence(403, "GatedRepo", true),
    `hub.example does not give it to the account of HF_TOKEN, wanted its terms accepted at ${page}`,
  );
  assertEquals(
    sentence(404, "RevisionNotFound"),
    `it has no revision v1, wanted a branch, a tag or a commit of ${page}`,
  );
  const unknown =
    "hub.example has no public model o/n, wanted another name, or HF_TOKEN set if it is private";
  // Hugging Face answers 401, so that nobody learns which private ones exist.
  assertEquals(sentence(401, "RepoNotFound"), unknown);
  assertEquals(sentence(404), unknown);
  assertEquals(
    sentence(404, "RepoNotFound", true),
    "hub.example shows no model o/n to the account of HF_TOKEN, wanted another name or another account",
  );
  assertEquals(
    sentence(401, null, true),
    "hub.example refuses the token with 401, wanted HF_TOKEN to be valid and to allow reading",
  );
  assertEquals(
    sentence(403),
    "hub.example wants to know who asks (403), wanted HF_TOKEN set, or a name without a mistake",
  );
  assertEquals(
    sentence(404, "EntryNotFound"),
    `hub.example does not have it any more, wanted it in ${page}`,
  );
  assertEquals(sentence(418), "hub.example answered 418, wanted 200");
});

Deno.test("describeRefusal() hands on what the hub says", () => {
  const message = "Please enable access to gated repositories\nin your token";
  const says = `and says "${message.replace("\n", "\\n")}"`;
  assertEquals(
    sentence(403, null, true, message),
    `hub.example refuses the token with 403 ${says}, wanted HF_TOKEN to be valid and to allow reading`,
  );
  for (const hasToken of [true, false]) {
    for (const [status, code] of [[403, null], [418, null]] as const) {
      assert(sentence(status, code, hasToken, message).includes(says));
    }
  }
  assert(sentence(403, "GatedRepo", true, message).includes(says));
  const long = sentence(418, null, false, "x".repeat(10_000));
  assert(long.length < 300, long);
});
