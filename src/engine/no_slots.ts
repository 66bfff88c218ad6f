import type { LoadOptions } from "./load_options.ts";

/** All ways to say how many slots there are but `slots` itself, unsaid. */
export const NO_SLOTS: LoadOptions = {
  offloadPerLayer: undefined,
  mainSize: undefined,
  offloadSize: undefined,
};
