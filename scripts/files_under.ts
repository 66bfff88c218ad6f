/**
 * Finds all files in a folder and in its folders.
 *
 * @param folder The folder.
 * @returns Their paths in it, with / between names, sorted; none if there is no such
 * folder.
 */
export async function filesUnder(folder: string): Promise<string[]> {
  const paths: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (!isDirectory) paths.push(name);
      else {
        const inside = await filesUnder(`${folder}/${name}`);
        paths.push(...inside.map((path) => `${name}/${path}`));
      }
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return paths.sort();
}
