/** The program on a GPU whose prompts see three positions only. */

import { main } from "../src/cli/main.ts";

const { createComputePipeline } = GPUDevice.prototype;
GPUDevice.prototype.createComputePipeline = function (descriptor) {
  const { constants } = descriptor.compute;
  if (descriptor.label === "attention_tile.wgsl") constants!.WINDOW = 3;
  return createComputePipeline.call(this, descriptor);
};
Deno.exit(await main(Deno.args));
