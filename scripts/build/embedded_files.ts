/**
 * What lies in a program that `deno compile` made.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** What `deno compile` put into a program. */
export interface Embedded {
  /** How the program starts. */
  readonly metadata: EmbeddedMetadata;
  /** Its files: bytes by their paths below the program's root, with slashes. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** What Deno is told before the program starts, as far as it concerns us. */
export interface EmbeddedMetadata {
  /** The module that runs first, below the program's root. */
  readonly entry: string;
  /** The name below which Deno itself keeps things. */
  readonly name: string;
  /** The flags of Deno that hold, such as `no-legacy-abort`. */
  readonly features: readonly string[];
  /** What the program may not do, such as `net`, or not everywhere. */
  readonly denied: readonly string[];
}

/** A file or a folder, as Deno lists them in a program. */
type Entry =
  | { readonly Dir: { readonly n: string; readonly e: readonly Entry[] } }
  | { readonly File: { readonly n: string; readonly o: [number, number] } }
  | { readonly Symlink: unknown };

/** What the data begins and ends with. */
const MAGIC = Buffer.from("d3n0l4nd");
/** What metadata begins with; the magic bytes are elsewhere in Deno, too. */
const METADATA_BEGIN = Buffer.from('{"argv":');

/**
 * Reads what lies in a program that Deno 2.9 compiled, for whichever system. In
 * order: metadata, npm packages, specifiers, redirects, remote modules, a list of
 * files, their bytes (`serialize_binary_data_section` in Deno's
 * `cli/standalone/binary.rs`).
 *
 * @param program The executable.
 * @returns What is in it; the bytes of the files are views of the program's.
 * @throws {SyntaxError} If it holds no such data, or some that is cut short.
 */
export function readEmbedded(program: Uint8Array): Embedded {
  const bytes = Buffer.from(
    program.buffer,
    program.byteOffset,
    program.byteLength,
  );
  let at = findData(bytes);
  function next(byteLength: number): Buffer {
    if (at + byteLength > bytes.byteLength) {
      throw malformed("its data is cut short");
    }
    const part = bytes.subarray(at, at + byteLength);
    at += byteLength;
    return part;
  }
  const nextWithLength = () => next(Number(next(8).readBigUInt64LE()));

  const metadata = parseMetadata(JSON.parse(nextWithLength().toString()));
  nextWithLength(); // npm packages: names and versions
  for (const name of ["specifiers", "redirects", "remote modules"]) {
    const count = next(4).readUInt32LE();
    if (count > 0) throw malformed(`it has ${count} ${name}, wanted none`);
  }
  const entries: Entry[] = JSON.parse(nextWithLength().toString());
  const data = nextWithLength();
  if (!next(MAGIC.byteLength).equals(MAGIC)) {
    throw malformed("its data does not end as it begins");
  }
  return { metadata, files: new Map(filesOf(entries, "", data)) };
}

function parseMetadata(
  {
    "entrypoint_key": entry,
    "app_name": name,
    "unstable_config": { features },
    permissions,
  }: {
    "entrypoint_key": string;
    "app_name": string;
    "unstable_config": { features: string[] };
    permissions: Record<string, unknown>;
  },
): EmbeddedMetadata {
  // An empty list allows everything, or denies everything.
  const denied = Object.entries(permissions)
    .filter(([name, value]) =>
      name.startsWith("allow_")
        ? !(Array.isArray(value) && value.length === 0)
        : /^(deny|ignore)_/.test(name) && value !== null
    )
    .map(([name]) => name.slice(name.indexOf("_") + 1));
  return { entry, name, features, denied: [...new Set(denied)] };
}

/** Finds the byte behind the magic bytes that data begins with. */
function findData(bytes: Buffer): number {
  const step = MAGIC.byteLength;
  for (
    let at = bytes.indexOf(MAGIC);
    at >= 0;
    at = bytes.indexOf(MAGIC, at + step)
  ) {
    const metadata = bytes.subarray(at + step + 8);
    const head = metadata.subarray(0, METADATA_BEGIN.byteLength);
    if (head.equals(METADATA_BEGIN)) return at + step;
  }
  throw malformed("it has no data of deno compile");
}

function* filesOf(
  entries: readonly Entry[],
  folder: string,
  data: Buffer,
): Generator<[string, Uint8Array]> {
  for (const entry of entries) {
    if ("Dir" in entry) {
      yield* filesOf(entry.Dir.e, `${folder}${entry.Dir.n}/`, data);
    } else if ("File" in entry) {
      const [begin, byteLength] = entry.File.o;
      const path = folder + entry.File.n;
      if (begin + byteLength > data.byteLength) {
        throw malformed(`${path} is cut short`);
      }
      yield [path, data.subarray(begin, begin + byteLength)];
    } // our sources have no links, and those of packages are no files of their own
  }
}

function malformed(state: string): SyntaxError {
  return new SyntaxError(
    `Cannot read the program: ${state}, wanted what Deno 2.9 compiles`,
  );
}
