/** What runs in a worker of `QuantizePool`: jobs in, bytes out. */

import { serveJobs } from "../io/worker_pool.ts";
import { quantizeJob } from "./quantize_job.ts";

serveJobs(
  quantizeJob,
  (tensors) => new Set(tensors.map(({ buffer }) => buffer as ArrayBuffer)),
);
