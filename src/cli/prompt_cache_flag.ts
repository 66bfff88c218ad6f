import type { Flag } from "./args.ts";
import { BYTE_LENGTH } from "./offload_flags.ts";

/** What `--prompt-cache` is where nobody says. */
export const DEFAULT_PROMPT_CACHE_BYTES = 2 ** 30;

/** Memory for conversations that do not run now: the engine's option of `load()`. */
export const PROMPT_CACHE_FLAG: Flag = {
  name: "prompt-cache",
  option: "promptCacheBytes",
  value: BYTE_LENGTH.value,
  parse: (text) => text.trim() === "0" ? 0 : BYTE_LENGTH.parse(text),
  wanted: `${BYTE_LENGTH.wanted}, or 0`,
  help:
    "How much memory of the host conversations may take that wait for their " +
    "next message, so that they need not run again; 0 keeps the last one only",
  default: "1GiB",
};
