// x[t] += sum over r of weights[t, r] * y[t TOP_K + r], in the order of ranks, so
// that the order in which experts were computed never changes a bit.
//   y (T TOP_K PARTS, STRIDE) f32: PARTS rows that sum to a row
//   weights (T, TOP_K) f32    x (T, STRIDE) f32
// One invocation for an element; id.y is the token.
override N: u32;
override STRIDE: u32;
override TOP_K: u32;
override PARTS: u32;

@group(0) @binding(0) var<storage, read> y: array<f32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read_write> x: array<f32>;

// Four loads at a time: a loop would wait for each.
fn sum_of_parts(at: u32) -> f32 {
  var sum = 0.0;
  for (var i = 0u; i < PARTS; i += 4u) {
    let a = y[at + i * STRIDE];
    let b = y[at + min(i + 1u, PARTS - 1u) * STRIDE];
    let c = y[at + min(i + 2u, PARTS - 1u) * STRIDE];
    let d = y[at + min(i + 3u, PARTS - 1u) * STRIDE];
    sum += (a + select(0.0, b, i + 1u < PARTS)) +
      (select(0.0, c, i + 2u < PARTS) + select(0.0, d, i + 3u < PARTS));
  }
  return sum;
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let n = id.x * 64u + lane;
  if (n >= N) { return; }
  var acc = 0.0;
  for (var r = 0u; r < TOP_K; r++) {
    let row = id.y * TOP_K + r;
    acc += weights[row] * sum_of_parts(row * PARTS * STRIDE + n);
  }
  x[id.y * STRIDE + n] += acc;
}
