import { assertEquals, assertThrows } from "@std/assert";
import { GROUP_SIZES } from "../model/quantization.ts";
import {
  readStoredQuantization,
  storedQuantization,
} from "./stored_quantization.ts";

const FOUR = { bits: 4, ...GROUP_SIZES[4] } as const;
const PARTS = [
  FOUR,
  { bits: 3, axis: 1, groupSize: 64, scaleGroupSize: null },
  { bits: 2, axis: 0, groupSize: 16, scaleGroupSize: null },
  { bits: 16, ...GROUP_SIZES[16] },
] as const;

Deno.test("readStoredQuantization() reads what storedQuantization() writes", () => {
  for (const experts of PARTS) {
    const parts = { attn: FOUR, experts };
    const text = JSON.stringify({
      "quantization_config": storedQuantization(parts),
    });
    assertEquals(readStoredQuantization(JSON.parse(text), "f"), parts);
  }
});

Deno.test("storedQuantization() writes only what is not as usual", () => {
  assertEquals(storedQuantization({ attn: FOUR, experts: PARTS[1] }), {
    "quant_method": "moeno-hqq",
    attn: { bits: 4, "group_size": 64, "scale_group_size": 256 },
    experts: { bits: 3, axis: 1, "group_size": 64, "scale_group_size": null },
  });
});

Deno.test("readStoredQuantization() says in a sentence what is malformed", () => {
  const good = { bits: 4, "group_size": 64, "scale_group_size": 256 };
  for (
    const change of [
      { bits: 5 },
      { axis: 2 },
      { "group_size": 0 },
      { "scale_group_size": undefined },
      { "scale_group_size": -1 },
    ]
  ) {
    const json = {
      "quantization_config": {
        "quant_method": "moeno-hqq",
        attn: good,
        experts: { ...good, ...change },
      },
    };
    assertThrows(
      () => readStoredQuantization(json, "config.json"),
      RangeError,
      "Cannot load a model from config.json: quantization_config.experts is {",
    );
  }
});
