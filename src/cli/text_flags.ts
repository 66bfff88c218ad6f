import type { Flag } from "./args.ts";
import { LOAD_FLAGS, SYNTHETIC_FLAG } from "./flags.ts";

/**
 * How to load a model, in commands about text. These refuse `--synthetic` with a
 * sentence, so that a file or a variable must not set it for them.
 */
export const TEXT_LOAD_FLAGS: readonly Flag[] = LOAD_FLAGS.map((flag) =>
  flag === SYNTHETIC_FLAG ? { ...flag, isTypedOnly: true } : flag
);
