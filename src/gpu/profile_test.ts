import { assertEquals } from "@std/assert";
import { Profile, type TimedCall } from "./profile.ts";

const CALL: TimedCall = {
  phase: "decode",
  role: "q",
  kernel: "matvec",
  cost: { byteLength: 100, flops: 400 },
  ms: 0.5,
};

Deno.test("Profile sums up by phase, role and kernel, the longest first", () => {
  const profile = new Profile();
  assertEquals(profile.phases(), []);
  profile.addTokens("decode", 1, 1);
  profile.addTokens("decode", 5, 5);
  profile.addTokens("prefill", 40, 1);
  profile.addWall("decode", 7);
  profile.addCall(CALL);
  profile.addCall({ ...CALL, role: "o" });
  profile.addCall({ ...CALL, role: "o", ms: 0.25 });
  profile.addCall({ ...CALL, kernel: "copy", cost: { linkByteLength: 8 } });
  profile.addCall({ ...CALL, phase: "prefill", cost: {} });
  const [prefill, decode] = profile.phases();
  const brought = { linkByteLength: 0, missByteLength: 0, guessByteLength: 0 };
  const none = { byteLength: 0, flops: 0, ...brought };
  assertEquals(prefill!.kernels, [
    { role: "q", kernel: "matvec", callCount: 1, ms: 0.5, ...none },
  ]);
  assertEquals(
    [prefill!.name, prefill!.tokenCount, prefill!.stepCount, prefill!.wallMs],
    ["prefill", 40, 1, 0],
  );
  const { kernels, ...sums } = decode!;
  assertEquals(sums, {
    name: "decode",
    tokenCount: 6,
    stepCount: 6,
    wallMs: 7,
    gpuMs: 1.75,
  });
  assertEquals(kernels.map(({ role, kernel }) => `${role} ${kernel}`), [
    "o matvec",
    "q matvec",
    "q copy",
  ]);
  assertEquals(kernels[0], {
    role: "o",
    kernel: "matvec",
    callCount: 2,
    ms: 0.75,
    byteLength: 200,
    ...brought,
    flops: 800,
  });
  profile.clear();
  assertEquals(profile.phases(), []);
});
