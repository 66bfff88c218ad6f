/**
 * Lists the files of a checkpoint that hold its weights, the largest first.
 *
 * @param directory The checkpoint.
 * @returns Their paths.
 * @throws {Error} If the directory cannot be read.
 */
export async function weightFiles(directory: string): Promise<string[]> {
  const files: { path: string; size: number }[] = [];
  for await (const { name } of Deno.readDir(directory)) {
    if (!name.endsWith(".safetensors")) continue;
    const path = `${directory}/${name}`;
    files.push({ path, size: (await Deno.stat(path)).size });
  }
  return files.sort((a, b) => b.size - a.size).map(({ path }) => path);
}
