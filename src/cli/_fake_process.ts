/**
 * The program on real streams and signals, with an engine that echoes at 50
 * tokens a second. The argument `reject` instead fails where nobody looks.
 */

import { fakeEngine } from "./_fake_engine.ts";
import { main, processSurroundings } from "./main.ts";

const args = Deno.args.filter((arg) => arg !== "reject");
const surroundings = processSurroundings(args);
if (args.length < Deno.args.length) {
  Promise.reject(new Error("Cannot hide: nobody awaits this"));
  await new Promise((resolve) => setTimeout(resolve, 5000));
}
const engine = fakeEngine({
  contextLength: 10_000,
  onToken: () => new Promise((resolve) => setTimeout(resolve, 20)),
});
Deno.exit(
  await main(args, { ...surroundings, open: () => Promise.resolve(engine) }),
);
