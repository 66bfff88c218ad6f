import { fromFileUrl } from "@std/path";
import project from "../../deno.json" with { type: "json" };
import { type BuildFacts, readBuildFacts } from "../program/build_facts.ts";
import { PROGRAM_ROOT } from "../program/program_root.ts";
import type { ParsedArgs } from "./args.ts";
import type { Command, Surroundings } from "./command.ts";
import { COMMON_FLAGS } from "./flags.ts";
import { JSON_FLAG } from "./shared_flags.ts";
import { refuseArguments } from "./usage_error.ts";

/** What the program is, and what it was made of. */
export interface VersionReport {
  /** The project's version. */
  readonly version: string;
  /** What the program was built into; `"source"` if it was not. */
  readonly form: BuildFacts["form"] | "source";
  /** The processor and the system, as compilers call them. */
  readonly target: string;
  /** Versions of Deno and what is in it. */
  readonly runtime: Readonly<Record<"deno" | "v8" | "typescript", string>>;
  /** What it was built of; `null` if it runs from its source. */
  readonly build: BuildFacts | null;
  /** Where its files lie. */
  readonly root: string;
}

/** `version`: what this is, and what it was built of. */
export const VERSION: Command = {
  name: "version",
  summary: "Shows the version, and what the program was built of",
  usage: "[flags]",
  // Whatever the configuration says: it works without.
  flags: [JSON_FLAG, ...COMMON_FLAGS.filter(({ name }) => name === "help")]
    .map((flag) => ({ ...flag, isTypedOnly: true })),
  run,
};

async function run(
  { values, positional }: ParsedArgs,
  { io }: Surroundings,
): Promise<number> {
  refuseArguments("version", positional);
  const build = await readBuildFacts();
  const report: VersionReport = {
    version: project.version,
    form: build?.form ?? "source",
    target: Deno.build.target,
    runtime: Deno.version,
    build,
    root: pathOf(PROGRAM_ROOT),
  };
  io.out(values.json ? JSON.stringify(report) + "\n" : versionLines(report));
  return 0;
}

/**
 * Writes a version for people. The first line is for programs, too: it stays as it
 * is.
 *
 * @param report What the program is.
 * @returns Lines, with a line break at the end.
 */
export function versionLines(
  { version, form, target, runtime, build, root }: VersionReport,
): string {
  const { deno, v8, typescript } = runtime;
  const rows = [
    ["form", formLine(form, build)],
    ["target", target],
    ["runtime", `Deno ${deno}, V8 ${v8}, TypeScript ${typescript}`],
    ...build === null ? [] : [
      [
        "packages",
        Object.entries(build.packages).map((pair) => pair.join(" ")).join(", "),
      ],
      ["model", `${build.model}, bundled`],
    ],
    ["files", root],
  ];
  const lines = rows.map(([name, text]) => `${name!.padEnd(9)} ${text}`);
  return [`moeno ${version} (deno ${deno})`, ...lines, ""].join("\n");
}

function formLine(
  form: VersionReport["form"],
  build: BuildFacts | null,
): string {
  const commit = build?.commit
    ? ` of commit ${build.commit.slice(0, 12)}` +
      (build.isDirty ? " with changes" : "")
    : "";
  if (form === "compiled") return `compiled by deno compile${commit}`;
  if (form === "single-file") return `a file that unpacks itself${commit}`;
  return "run from its source";
}

function pathOf(url: URL): string {
  return url.protocol === "file:" ? fromFileUrl(url) : url.href;
}
