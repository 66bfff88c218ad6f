/** What runs in a worker of `QuantizePool`: jobs in, bytes out. */

import { type QuantizeJob, quantizeJob } from "./quantize_job.ts";

/** The answer to a job: the bytes of its tensors, or why there are none. */
export type QuantizeAnswer =
  | { readonly tensors: Uint8Array[] }
  | { readonly message: string };

/** The part of a worker's global scope that we use; DOM types lack it. */
interface WorkerScope {
  onmessage: (event: MessageEvent<QuantizeJob>) => void;
  postMessage(answer: QuantizeAnswer, transfer: Transferable[]): void;
}

const scope = self as unknown as WorkerScope;

scope.onmessage = ({ data }) => {
  try {
    const tensors = quantizeJob(data);
    const buffers = new Set(tensors.map(({ buffer }) => buffer as ArrayBuffer));
    scope.postMessage({ tensors }, [...buffers]);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    scope.postMessage({ message }, []);
  }
};
