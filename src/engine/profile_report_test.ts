import { assertEquals } from "@std/assert";
import type { KernelTimes, PhaseTimes } from "../gpu/profile.ts";
import { profileReport } from "./profile_report.ts";

const TIMES: KernelTimes = {
  role: "o",
  kernel: "matvec",
  callCount: 8,
  ms: 2,
  byteLength: 1e9,
  isMixed: false,
  linkByteLength: 0,
  flops: 4e9,
};
const PHASE: PhaseTimes = {
  name: "decode",
  tokenCount: 4,
  stepCount: 4,
  wallMs: 10,
  gpuMs: 8,
  kernels: [
    TIMES,
    { ...TIMES, role: "expert", byteLength: 0, linkByteLength: 2e7, flops: 0 },
    { ...TIMES, role: "combine", byteLength: 0, flops: 0 },
  ],
};
const RATES = { vramGigabytesPerSecond: 1000, linkGigabytesPerSecond: 40 };

Deno.test("profileReport() makes rates of sums, and shares of what the device does", () => {
  const { phases, ...rates } = profileReport([PHASE], RATES);
  assertEquals(rates, RATES);
  const { kernels, ...phase } = phases[0]!;
  assertEquals(phase, {
    name: "decode",
    tokenCount: 4,
    stepCount: 4,
    wallMsPerStep: 2.5,
    gpuMsPerStep: 2,
  });
  const common = { callsPerStep: 2, usPerCall: 250, share: 0.25 };
  assertEquals(kernels, [
    {
      role: "o",
      kernel: "matvec",
      ...common,
      source: "VRAM",
      gigabytesPerSecond: 500,
      rateShare: 0.5,
      gigaflopsPerSecond: 2000,
    },
    {
      role: "expert",
      kernel: "matvec",
      ...common,
      source: "link",
      gigabytesPerSecond: 10,
      rateShare: 0.25,
      gigaflopsPerSecond: null,
    },
    {
      role: "combine",
      kernel: "matvec",
      ...common,
      source: null,
      gigabytesPerSecond: null,
      rateShare: null,
      gigaflopsPerSecond: null,
    },
  ]);
});

Deno.test("profileReport() says nothing of a rate that nobody measured, or of no time", () => {
  const mixed = { ...TIMES, isMixed: true };
  const kernels = [PHASE.kernels[1]!, { ...TIMES, ms: 0 }, mixed];
  const { phases } = profileReport([{ ...PHASE, gpuMs: 0, kernels }], {
    ...RATES,
    linkGigabytesPerSecond: null,
  });
  const [link, none, both] = phases[0]!.kernels;
  assertEquals([link!.gigabytesPerSecond, link!.rateShare], [10, null]);
  assertEquals([none!.gigabytesPerSecond, none!.share], [null, 0]);
  assertEquals([both!.source, both!.gigabytesPerSecond], ["both", 500]);
  assertEquals(both!.rateShare, null);
});
