/**
 * Whether a compiled program holds what it needs.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { join } from "@std/path";
import {
  BUILD_FACTS_FILE,
  type BuildFacts,
} from "../../src/program/build_facts.ts";
import { buildJson } from "./build_facts.ts";
import type { Embedded } from "./embedded_files.ts";
import { ENTRY, type ProgramFiles } from "./program_files.ts";

/** Where Deno puts packages in a program. */
const PACKAGES = ".deno_compile_node_modules/localhost";

/** What a program has to hold. */
export interface Wanted {
  /** The project's folder. */
  readonly root: string;
  /** The files of the program in it. */
  readonly files: ProgramFiles;
  /** What the program has to say of itself. */
  readonly facts: BuildFacts;
  /** The flags of Deno that have to hold. */
  readonly features: readonly string[];
}

/**
 * Finds what is wrong with a compiled program: files of the project that it lacks
 * or that differ, packages that it lacks, another entry point, other flags.
 *
 * @param embedded What lies in it.
 * @param wanted What should.
 * @returns What is wrong, each in a few words; nothing if all is right.
 */
export async function findFaults(
  embedded: Embedded,
  { root, files, facts, features }: Wanted,
): Promise<string[]> {
  const paths = [...new Set([...files.modules, ...files.data])].sort();
  const faults: string[] = [];
  for (const path of paths) {
    faults.push(...fileFaults(
      path,
      embedded.files.get(path),
      await Deno.readFile(join(root, path)),
    ));
  }
  return [
    ...faults,
    ...fileFaults(
      BUILD_FACTS_FILE,
      embedded.files.get(BUILD_FACTS_FILE),
      new TextEncoder().encode(buildJson(facts)),
    ),
    ...Object.entries(facts.packages)
      .map(([name, version]) => `${PACKAGES}/${name}/${version}/package.json`)
      .filter((path) => !embedded.files.has(path))
      .map((path) => `${path} is missing`),
    ...metadataFaults(embedded, features),
  ];
}

function fileFaults(
  path: string,
  found: Uint8Array | undefined,
  wanted: Uint8Array,
): string[] {
  if (found === undefined) return [`${path} is missing`];
  return Buffer.compare(found, wanted) === 0 ? [] : [`${path} differs`];
}

function metadataFaults(
  { metadata }: Embedded,
  features: readonly string[],
): string[] {
  return [
    ...metadata.entry === ENTRY ? [] : [`it starts with ${metadata.entry}`],
    ...metadata.name === APP_NAME ? [] : [`its name is ${metadata.name}`],
    ...features.filter((name) => !metadata.features.includes(name))
      .map((name) => `it runs without ${name}`),
    ...metadata.denied.map((name) => `it has not all permissions of ${name}`),
  ];
}

/** The name below which Deno keeps what is the program's. */
export const APP_NAME = "moeno";
