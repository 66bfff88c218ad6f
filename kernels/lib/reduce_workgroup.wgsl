// Sums and maxima over the workgroup, in shared memory, in a fixed order.
// Every invocation gets the result. WG must be a power of two.
// Needs: override WG.
var<workgroup> partial: array<vec4f, WG>;

fn reduce_sum4(lane: u32, value: vec4f) -> vec4f {
  workgroupBarrier(); // the last reduction may still be read
  partial[lane] = value;
  workgroupBarrier();
  for (var half = WG / 2u; half > 0u; half /= 2u) {
    if (lane < half) { partial[lane] += partial[lane + half]; }
    workgroupBarrier();
  }
  return partial[0];
}

struct NineSums { a: vec4f, b: vec4f, c: f32 }

fn reduce_sums(lane: u32, a: vec4f, b: vec4f, c: f32) -> NineSums {
  return NineSums(reduce_sum4(lane, a), reduce_sum4(lane, b), reduce_sum(lane, c));
}

fn reduce_sum(lane: u32, value: f32) -> f32 {
  return reduce_sum4(lane, vec4f(value, 0.0, 0.0, 0.0)).x;
}

fn reduce_max(lane: u32, value: f32) -> f32 {
  workgroupBarrier();
  partial[lane].x = value;
  workgroupBarrier();
  for (var half = WG / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      partial[lane].x = max(partial[lane].x, partial[lane + half].x);
    }
    workgroupBarrier();
  }
  return partial[0].x;
}
