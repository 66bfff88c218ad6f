/** `readAll`: every word once. */

import { assertEquals } from "@std/assert";
import { GROUP_BYTE_LENGTH, readAll } from "../src/ops/read.ts";
import { makeReader, upload } from "./_gpu.ts";
import type { KernelCase } from "./_kernel_case.ts";
import { withRandom } from "./_random.ts";

const GROUP_WORDS = GROUP_BYTE_LENGTH / 4;

/** All cases of this file. */
export const READ_CASES: readonly KernelCase[] = [
  {
    name: "readAll reads every word once",
    kernels: ["read.wgsl"],
    summing: [],
    run: ({ gpu }) =>
      withRandom(17, async (random) => {
        // One vec4, a bit less and more than a workgroup reads, and whole ones.
        for (
          const wordCount of [
            4,
            GROUP_WORDS - 4,
            GROUP_WORDS,
            GROUP_WORDS + 4,
            2 * GROUP_WORDS + 4 * 777,
          ]
        ) {
          const words = Uint32Array.from(
            { length: wordCount },
            () => random.integer(2 ** 32),
          );
          const op = await readAll(gpu, upload(gpu, words));
          const commands = gpu.device.createCommandEncoder();
          const pass = commands.beginComputePass();
          op.encode(pass, 1);
          pass.end();
          gpu.device.queue.submit([commands.finish()]);
          using reader = await makeReader(gpu, op.sums.size);
          const sums = await reader.words(op.sums);
          const groupCount = Math.ceil(wordCount / GROUP_WORDS);
          assertEquals(
            [...sums.subarray(0, groupCount)],
            Array.from({ length: groupCount }, (_, group) =>
              words.subarray(group * GROUP_WORDS, (group + 1) * GROUP_WORDS)
                .reduce((sum, word) =>
                  (sum + word) >>> 0, 0)),
          );
          assertEquals(
            sums.subarray(groupCount).every((n) =>
              n === 0
            ),
            true,
          );
        }
      }),
  },
];
