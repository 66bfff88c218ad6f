import { assertEquals } from "@std/assert";
import { describeProgress } from "./describe_progress.ts";

const GB = { what: "loading", done: 0, total: 9 };

Deno.test("describeProgress() says how much, how fast and how long", () => {
  const at = (doneByteLength: number, seconds: number) =>
    describeProgress(
      { ...GB, doneByteLength, totalByteLength: 17e9 },
      seconds,
    );
  assertEquals(at(0, 9), "loading [....................] 0.0 of 17.0 GB");
  assertEquals(
    at(8.5e9, 2.66),
    "loading [##########..........] 8.5 of 17.0 GB, 3.2 GB/s, 3 s left",
  );
  assertEquals(
    at(8.4e9, 0.4),
    "loading [#########...........] 8.4 of 17.0 GB",
  );
  assertEquals(
    at(1e9, 10),
    "loading [#...................] 1.0 of 17.0 GB, 0.1 GB/s, 2 min 40 s left",
  );
  assertEquals(
    at(17e9, 5),
    "loading [####################] 17.0 of 17.0 GB, 3.4 GB/s, 0 s left",
  );
});

Deno.test("describeProgress() counts small models in MB", () => {
  assertEquals(
    describeProgress(
      { ...GB, doneByteLength: 12.34e6, totalByteLength: 35.1e6 },
      1,
    ),
    "loading [#######.............] 12.3 of 35.1 MB, 12.3 MB/s, 2 s left",
  );
});

Deno.test("describeProgress() without bytes gives the per cent", () => {
  assertEquals(describeProgress({ what: "a", done: 1, total: 3 }, 1), "a 33 %");
  assertEquals(
    describeProgress({ what: "a", done: 1, total: 3 }, 4),
    "a 33 %, 8 s left",
  );
  assertEquals(
    describeProgress({ what: "a", done: 0, total: 0 }, 0),
    "a 100 %",
  );
});
