import { assertThrows } from "@std/assert";
import { checkAddress } from "./address.ts";

const ADDRESS = { hostname: "127.0.0.1", port: 0 };

Deno.test("checkAddress() refuses to listen where only the environment says", () => {
  const variables: Record<string, string> = {
    DENO_SERVE_ADDRESS: "duplicate,tcp:0.0.0.0:8000",
  };
  const variable = (name: string) => variables[name];
  assertThrows(
    () => checkAddress(ADDRESS, { variable }),
    Error,
    "Cannot listen at 127.0.0.1:0: DENO_SERVE_ADDRESS has Deno listen at duplicate,tcp:0.0.0.0:8000, wanted it unset",
  );
  for (const DENO_SERVE_ADDRESS of [undefined, ""]) {
    checkAddress(ADDRESS, { variable: () => DENO_SERVE_ADDRESS });
  }
});
