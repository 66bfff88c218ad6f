import { assertEquals } from "@std/assert";
import type { KernelTimes, PhaseTimes } from "../gpu/profile.ts";
import { profileReport } from "./profile_report.ts";

const TIMES: KernelTimes = {
  role: "o",
  kernel: "matvec",
  callCount: 8,
  ms: 2,
  byteLength: 1e9,
  linkByteLength: 0,
  missByteLength: 0,
  guessByteLength: 0,
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
  const { phases, ...rates } = profileReport([PHASE], RATES, null);
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
      vramGigabytesPerSecond: 500,
      linkGigabytesPerSecond: null,
      rateShare: 0.5,
      gigaflopsPerSecond: 2000,
    },
    {
      role: "expert",
      kernel: "matvec",
      ...common,
      vramGigabytesPerSecond: null,
      linkGigabytesPerSecond: 10,
      rateShare: 0.25,
      gigaflopsPerSecond: null,
    },
    {
      role: "combine",
      kernel: "matvec",
      ...common,
      vramGigabytesPerSecond: null,
      linkGigabytesPerSecond: null,
      rateShare: null,
      gigaflopsPerSecond: null,
    },
  ]);
});

Deno.test("profileReport() says nothing of a rate that nobody measured, or of no time", () => {
  const kernels = [PHASE.kernels[1]!, { ...TIMES, ms: 0 }];
  const { phases } = profileReport([{ ...PHASE, gpuMs: 0, kernels }], {
    ...RATES,
    linkGigabytesPerSecond: null,
  }, null);
  const [link, none] = phases[0]!.kernels;
  assertEquals([link!.linkGigabytesPerSecond, link!.rateShare], [10, null]);
  assertEquals([none!.vramGigabytesPerSecond, none!.share], [null, 0]);
});

/** 6 MB missed, of which 1 MB came in a copy; 2 MB guessed. */
const BROUGHT = {
  demand: 6e6,
  prefetchUsed: 1.5e6,
  prefetchWasted: 0.5e6,
  prefill: 1e9,
};

Deno.test("profileReport() gives what was missing to the kernels that brought it in", () => {
  const none = { ...TIMES, byteLength: 0, flops: 0, ms: 1 };
  const kernels = [
    { ...TIMES, role: "up", ms: 1, byteLength: 6e7, missByteLength: 6e7 },
    { ...TIMES, role: "down", ms: 1, byteLength: 3e7, missByteLength: 3e7 },
    { ...none, role: "fetch", missByteLength: 1e7 },
    { ...none, role: "guess", guessByteLength: 8e6 },
    { ...none, role: "copy", linkByteLength: 1e6 },
    { ...TIMES, role: "o", ms: 1, byteLength: 5e6 },
  ];
  const ratesOf = (name: "decode" | "prefill") =>
    profileReport([{ ...PHASE, name, kernels }], RATES, BROUGHT)
      .phases[0]!.kernels.map((kernel) => [
        kernel.vramGigabytesPerSecond,
        kernel.linkGigabytesPerSecond,
        kernel.rateShare,
      ]);
  assertEquals(ratesOf("decode"), [
    [57, 3, .075], // the link is what it waits for
    [28.5, 1.5, .0375],
    [null, .5, .0125],
    [null, 2, .05],
    [null, 1, .025],
    [5, null, .005],
  ]);
  // Copies bring in all that a prompt misses.
  assertEquals(ratesOf("prefill")[0], [60, null, .06]);
  assertEquals(ratesOf("prefill")[4], [null, 1, .025]);
});
