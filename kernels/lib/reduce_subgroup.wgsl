// Sums and maxima over the workgroup, which is exactly one subgroup: no shared
// memory, no barrier. The host picks this file only when WG equals the one
// subgroup size that the adapter has.
struct NineSums { a: vec4f, b: vec4f, c: f32 }

fn reduce_sums(lane: u32, a: vec4f, b: vec4f, c: f32) -> NineSums {
  return NineSums(subgroupAdd(a), subgroupAdd(b), subgroupAdd(c));
}

fn reduce_sum4(lane: u32, value: vec4f) -> vec4f {
  return subgroupAdd(value);
}

fn reduce_sum(lane: u32, value: f32) -> f32 {
  return subgroupAdd(value);
}

fn reduce_max(lane: u32, value: f32) -> f32 {
  return subgroupMax(value);
}
