import { fileError } from "./file_error.ts";
import { PART_SUFFIX } from "./write_whole.ts";

/**
 * Makes a folder, and sees that files can be made in it: before work whose result
 * goes there, and to name what else the user can do.
 *
 * @param folder The folder.
 * @param wanted What else would do, such as `another folder in MOENO_HOME`.
 * @throws {Error} If there can be no file.
 */
export async function makeWritable(
  folder: string,
  wanted: string,
): Promise<void> {
  try {
    await Deno.mkdir(folder, { recursive: true });
    const options = { dir: folder, suffix: PART_SUFFIX };
    await Deno.remove(await Deno.makeTempFile(options));
  } catch (error) {
    const told = fileError(`write to ${folder}`, error);
    // It says already what to do, and another folder would lack it as well.
    if (error instanceof Deno.errors.NotCapable) throw told;
    throw new Error(`${told.message}, wanted ${wanted}`, { cause: error });
  }
}
