// deno-lint-ignore-file camelcase -- as Deno calls them
/** A program as Deno writes it, of few bytes; for tests. */

/** What is in a made-up program. */
export interface MadeUpProgram {
  /** Deno's metadata, apart from `argv`, which comes first. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Texts of files, by their paths. */
  readonly files?: Readonly<Record<string, string>>;
  /** How many modules of other hosts it says that it has. */
  readonly remoteCount?: number;
}

/** Metadata of a program that may do everything. */
export const METADATA = {
  entrypoint_key: "mod.ts",
  app_name: "moeno",
  unstable_config: { features: ["no-legacy-abort"] },
  permissions: { allow_net: [], deny_net: null, allow_read: [], prompt: true },
};

/**
 * Makes a program.
 *
 * @param program What is in it.
 * @returns Its bytes, which begin and end with some that are no part of the data.
 */
export function madeUpProgram(
  { metadata = METADATA, files = {}, remoteCount = 0 }: MadeUpProgram = {},
): Uint8Array<ArrayBuffer> {
  const data: Uint8Array[] = [];
  let offset = 0;
  const root: unknown[] = [];
  for (const [path, text] of Object.entries(files)) {
    const bytes = encode(text);
    data.push(bytes);
    addEntry(root, path.split("/"), [offset, bytes.byteLength]);
    offset += bytes.byteLength;
  }
  return joined([
    // The magic bytes are in Deno's own code, too.
    encode("ELF d3n0l4nd d3n0l4nd"),
    encode("d3n0l4nd"),
    ...withLength(encode(JSON.stringify({ argv: [], ...metadata }))),
    ...withLength(encode("packages")),
    integer(0, 4),
    integer(0, 4),
    integer(remoteCount, 4),
    ...withLength(encode(JSON.stringify(root))),
    ...withLength(joined(data)),
    encode("d3n0l4nd"),
    encode("the end"),
  ]);
}

function addEntry(
  entries: unknown[],
  [name, ...rest]: string[],
  place: [number, number],
): void {
  if (rest.length === 0) {
    entries.push({ File: { n: name, o: place, t: 0 } });
    return;
  }
  type Dir = { Dir: { n: string; e: unknown[] } };
  let dir = (entries as Dir[]).find(({ Dir }) => Dir?.n === name);
  if (dir === undefined) entries.push(dir = { Dir: { n: name!, e: [] } });
  addEntry(dir.Dir.e, rest, place);
}

function withLength(bytes: Uint8Array): Uint8Array[] {
  return [integer(bytes.byteLength, 8), bytes];
}

function integer(value: number, byteLength: number): Uint8Array {
  const bytes = new Uint8Array(byteLength);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(
    parts.reduce((sum, { byteLength }) => sum + byteLength, 0),
  );
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}
