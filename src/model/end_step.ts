import type { Slice } from "../gpu/readback.ts";
import type { Recorder } from "../gpu/recorder.ts";
import type { Rows } from "../ops/op.ts";
import { withoutPadding } from "../ops/padded.ts";
import type { GpuResidency } from "./gpu_residency.ts";

/**
 * Ends a step: submits, and reads what is asked for, then what routers logged.
 *
 * @param recorder What was recorded.
 * @param residency Where routers log; `null` if they do not.
 * @param options What to read, and the log, unless it is that of the latest token.
 * @returns The bytes of all slices, then those of the log.
 */
export async function endStep(
  recorder: Recorder,
  residency: GpuResidency | null,
  { slices, log = residency?.log ?? null }: {
    slices: readonly Slice[];
    log?: Slice | null;
  },
): Promise<ArrayBuffer> {
  if (log === null) {
    if (slices.length > 0) return await recorder.read(slices);
    recorder.submit();
    return new ArrayBuffer(0);
  }
  const bytes = await recorder.read([...slices, log]);
  residency!.endStep(bytes, bytes.byteLength - log.byteLength);
  return bytes;
}

/**
 * Ends a step that may have computed logits, and reads these.
 *
 * @param recorder What was recorded.
 * @param parts Where logits are, and where routers log.
 * @param rowCount How many rows to read.
 * @returns The rows (rowCount, vocabSize).
 */
export async function readLogits(
  recorder: Recorder,
  { logits: { buffer: source, stride }, vocabSize, residency }: {
    readonly logits: Rows;
    readonly vocabSize: number;
    readonly residency: GpuResidency | null;
  },
  rowCount: number,
): Promise<Float32Array<ArrayBuffer>> {
  const byteLength = rowCount * stride * 4;
  const slices = rowCount > 0 ? [{ source, byteLength }] : [];
  const bytes = await endStep(recorder, residency, { slices });
  const rows = new Float32Array(bytes, 0, rowCount * stride);
  return withoutPadding(rows, { width: vocabSize, stride });
}
