/** A chat for tests: lines in, what is shown and asked out. */

import type { GenerateOptions } from "../../engine/options.ts";
import { describeError } from "../describe_error.ts";
import {
  fakeEngine,
  type FakeEngineOptions,
  type FakeProcess,
  fakeProcess,
} from "../_fake_engine.ts";
import { repl } from "./repl.ts";
import type { ModelSwitch } from "./session.ts";

/**
 * Types lines into a chat.
 *
 * @param lines What is typed.
 * @param options How the chat begins, and what its engine does.
 * @returns What the chat wrote, its exit code, and what the engine was asked.
 */
export async function chat(
  lines: string[],
  { isTerminal = false, generate = {}, onToken, ...options }:
    & {
      isTerminal?: boolean;
      generate?: GenerateOptions;
      system?: string;
      showsStats?: boolean;
      home?: string;
      models?: ModelSwitch;
      /** Called before each token. */
      onToken?: (process: FakeProcess) => void;
    }
    & Omit<FakeEngineOptions, "onToken"> = {},
) {
  const engine = fakeEngine({ ...options, onToken: () => onToken?.(process) });
  const input = lines.map((line) => `${line}\n`).join("");
  const process = fakeProcess(engine, { input, isTerminal });
  const code = await repl({
    engine,
    io: process.io,
    interrupts: process.interrupts,
    generate,
    showsStats: false,
    ...options,
    describe: (error) => describeError(error, false),
  });
  const { stdout, stderr } = process;
  return { code, stdout, stderr, asked: engine.asked, options: engine.options };
}
