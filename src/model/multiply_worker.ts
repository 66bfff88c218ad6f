/** What runs in a worker of `multiplyPool()`: a matrix and rows in, rows out. */

import { serveJobs } from "../io/worker_pool.ts";
import type { MultiplyJob } from "./multiply_pool.ts";
import { multiplyRows, plainWeights, type Row } from "./plain_weights.ts";

serveJobs(
  ({ matrix, xs }: MultiplyJob) => multiplyRows(plainWeights(matrix), xs),
  (rows: Row[]) => rows.map(({ buffer }) => buffer),
);
