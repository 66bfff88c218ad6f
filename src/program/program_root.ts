/** Where the program's own files lie. */

/** Where this module lies in the project, which a bundle does not have. */
const PATH = "src/program/program_root.ts";

/** Whether modules lie as in the project, as they do for `deno compile`, too. */
const hasModules = import.meta.url.endsWith(`/${PATH}`);

/** Whether this is a built program, not its source. */
export const IS_BUILT: boolean = !hasModules || Deno.build.standalone;

/**
 * The folder of what the program reads by its path: models, and what it was
 * built of. Of a bundle it is the folder of the bundle.
 */
export const PROGRAM_ROOT: URL = new URL(
  hasModules ? "../../" : "./",
  import.meta.url,
);
