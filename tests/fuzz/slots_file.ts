/** Files and values of `--slots`, and other values that flags parse. */

import fc from "npm:fast-check@4.11.0";
import { assert } from "@std/assert";
import { parseSlotsOrFile, readSlots } from "../../src/cli/slots_file.ts";
import { resolveSlots } from "../../src/offload/slots_wish.ts";
import { mutatedText } from "./_mutated_bytes.ts";
import { verdictOf } from "./_outcome.ts";
import type { Target } from "./_target.ts";

const COUNTS = { layerCount: 3, expertCount: 8, topK: 2 };

/** A file, or what was typed. */
interface Input {
  readonly text: string;
  readonly isFile: boolean;
}

/** `readSlots()` and what is made of it. */
export const SLOTS_FILE: Target<Input> = {
  name: "slots",
  cases: 200,
  inputs: fc.record({
    text: mutatedText([
      "6,6,5",
      "8\n4\n2\n",
      "# best\n2, 3 # of layer 1\n\n4\r\n",
      "auto",
      "5",
      "1,".repeat(3000) + "1",
    ]),
    isFile: fc.boolean(),
  }),
  async feed({ text, isFile }, { path }) {
    const file = `${path}/slots`;
    if (isFile) await Deno.writeTextFile(file, text);
    if (text.startsWith("@")) return "refused"; // a file of the user's choice
    return await verdictOf(async () => {
      const value = isFile ? `@${file}` : parseSlotsOrFile(text);
      const slots = await readSlots(value);
      const resolved = resolveSlots(COUNTS, { slots });
      if (slots === "auto") return;
      assert(resolved?.length === COUNTS.layerCount, "not a number each layer");
      for (const count of resolved) {
        assert(count >= COUNTS.topK && count <= COUNTS.expertCount, `${count}`);
      }
    });
  },
};
