/** The program on a GPU that has as many bytes as the variable `VRAM` says. */

import { main } from "../src/cli/main.ts";
import { withVram } from "./_faults.ts";

/** What a benchmark measures the memory's speed with, which is larger than models. */
const MEASURED = ["VRAM to read", "sums of read"];

using _vram = withVram(Number(Deno.env.get("VRAM")), MEASURED);
Deno.exit(await main(Deno.args));
