import { dim } from "@std/fmt/colors";
import type { TraceReport } from "../../analysis/trace_report.ts";
import { CHOICES } from "../../engine/load_options.ts";
import type { PolicyName } from "../../offload/eviction.ts";
import type { ParsedArgs } from "../args.ts";
import type { Command, Surroundings } from "../command.ts";
import { SIZE } from "../flags.ts";
import { BYTE_LENGTH } from "../offload_flags.ts";
import { progressLine } from "../progress.ts";
import { loadFlag, PLAIN_FLAGS } from "../shared_flags.ts";
import { UsageError } from "../usage_error.ts";
import { describeReport } from "./describe_report.ts";
import { slotCountOf } from "./slot_count.ts";
import { slotsFileText } from "./slots_file_text.ts";

/** `trace`: what a recorded trace says. */
export const TRACE: Command = {
  name: "trace",
  summary: "Shows what a recorded routing trace says of a model",
  usage: "<trace file> [flags]",
  details:
    "Record one with chat or generate --trace <file>. Shown are the experts that each\n" +
    "layer uses, hit rates of the expert cache by slots, and how good guesses of the\n" +
    "next layers' experts are. With --slots-total, or --vram and --model, it also finds\n" +
    "the slots of each layer with the most hits; chat --slots reads the file that\n" +
    "--suggest writes.",
  flags: [
    {
      name: "svg",
      option: "svg",
      value: "<path>",
      help: "Draw all of it as a picture",
    },
    {
      name: "html",
      option: "html",
      value: "<path>",
      help: "Write a page with the picture and the numbers of each layer",
    },
    {
      name: "policies",
      option: "policies",
      value: "<names>",
      parse: parsePolicies,
      wanted: `some of ${CHOICES.policy.join(",")}`,
      help: "Whose hit rates to show; slots are suggested for the first",
      default: CHOICES.policy.join(","),
    },
    {
      name: "suggest",
      option: "suggest",
      value: "<path>",
      help: "Write the slots of each layer that bring the most hits",
    },
    {
      name: "slots-total",
      option: "slotsTotal",
      value: "<n>",
      range: SIZE,
      help: "How many slots there are, all layers together",
    },
    {
      name: "vram",
      option: "vramByteLength",
      ...BYTE_LENGTH,
      // What is set for all models says nothing of the one that was traced.
      isTypedOnly: true,
      help: "As many slots as the model gets within this much of the GPU's " +
        "memory",
    },
    {
      ...loadFlag("model"),
      help: "The model that --vram is for",
    },
    {
      ...loadFlag("context"),
      isTypedOnly: true,
      help: "How many tokens its KV cache holds, which takes VRAM too",
    },
    {
      name: "include-prefill",
      option: "includePrefill",
      help: "Count the tokens of prompts too, as if they were decoded",
    },
    {
      name: "layers",
      option: "layers",
      help: "Show hit rates and recall of each layer, too",
    },
    {
      name: "markdown",
      option: "markdown",
      help: "Print tables in Markdown",
    },
    { name: "json", option: "json", help: "Print one JSON object with all" },
    ...PLAIN_FLAGS,
  ],
  run,
};

async function run(
  { values, positional }: ParsedArgs,
  { io }: Surroundings,
): Promise<number> {
  const [path, ...more] = positional;
  if (path === undefined || more.length > 0) {
    throw new UsageError(
      `trace has ${positional.length} files, wanted one: that of chat --trace <file>`,
    );
  }
  checkFlags(values);
  const { readTrace } = await import("../read_trace.ts");
  const trace = await readTrace(path);
  const slotCount = await slotCountOf(values, trace);
  const { analyzeTrace } = await import("../../analysis/trace_report.ts");
  let report: TraceReport;
  {
    using line = progressLine(io, values.quiet === true);
    report = analyzeTrace(trace, {
      policies: values.policies as PolicyName[] | undefined,
      includePrefill: values.includePrefill === true,
      slotCount,
      onProgress: (done, total, part) =>
        line.show({ what: `replaying for ${part}`, done, total }),
    });
  }
  io.out(
    values.json ? JSON.stringify(report) + "\n" : describeReport(report, {
      isMarkdown: values.markdown === true,
      hasLayers: values.layers === true,
    }),
  );
  // The last: where a file cannot be written, what took the time is out.
  const written = await writeFiles(report, values, path);
  if (!values.quiet) { for (const file of written) io.err(dim(file) + "\n"); }
  return 0;
}

function checkFlags(values: ParsedArgs["values"]): void {
  if (values.json && values.markdown) {
    throw new UsageError("--json does not go with --markdown");
  }
  if (values.slotsTotal !== undefined && values.vramByteLength !== undefined) {
    throw new UsageError("--slots-total does not go with --vram");
  }
  const hasBudget = (values.slotsTotal ?? values.vramByteLength) !== undefined;
  if (values.suggest !== undefined && !hasBudget) {
    throw new UsageError(
      "--suggest needs --slots-total <n>, or --vram <size> and the --model",
    );
  }
  if (
    values.contextLength !== undefined && values.vramByteLength === undefined
  ) {
    throw new UsageError("--context needs --vram, which it is for");
  }
}

/** Writes what was asked for; returns a line for each. */
async function writeFiles(
  report: TraceReport,
  values: ParsedArgs["values"],
  path: string,
): Promise<string[]> {
  const { writeAll, writeWhole } = await import("../../io/write_whole.ts");
  const written: string[] = [];
  const write = async (to: string, text: string, what: string) => {
    const bytes = new TextEncoder().encode(text);
    await writeWhole(to, (file) => writeAll(file, bytes));
    written.push(`# ${to}: ${what}`);
  };
  const { svg, html, suggest } = values;
  if (typeof svg === "string") {
    const { traceSvg } = await import("../../analysis/trace_svg.ts");
    await write(svg, traceSvg(report), "the picture");
  }
  if (typeof html === "string") {
    const { traceHtml } = await import("../../analysis/trace_html.ts");
    await write(html, traceHtml(report), "the page");
  }
  if (typeof suggest === "string") {
    const what = `slots of ${report.layerCount} layers; use them by ` +
      `chat --slots ${suggest}`;
    await write(suggest, slotsFileText(report, path), what);
  }
  return written;
}

function parsePolicies(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  const isWrong = names.some((name) => !CHOICES.policy.includes(name));
  if (isWrong || new Set(names).size < names.length) {
    throw new SyntaxError("Cannot read the names of policies");
  }
  return names;
}
