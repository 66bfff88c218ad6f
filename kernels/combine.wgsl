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

// Parts i to i + 3: a loop would wait for each.
fn four_parts(at: u32, i: u32) -> f32 {
  let a = y[at + i * STRIDE];
  let b = y[at + min(i + 1u, PARTS - 1u) * STRIDE];
  let c = y[at + min(i + 2u, PARTS - 1u) * STRIDE];
  let d = y[at + min(i + 3u, PARTS - 1u) * STRIDE];
  return (a + select(0.0, b, i + 1u < PARTS)) +
    (select(0.0, c, i + 2u < PARTS) + select(0.0, d, i + 3u < PARTS));
}

fn sum_of_parts(at: u32) -> f32 {
  var sum = four_parts(at, 0u);
  for (var i = 4u; i < PARTS; i += 4u) { sum += four_parts(at, i); }
  return sum;
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let n = id.x * 64u + lane;
  if (n >= N) { return; }
  let before = x[id.y * STRIDE + n];
  var acc = 0.0;
  for (var r = 0u; r < TOP_K; r += 2u) {
    let row = id.y * TOP_K + r;
    let next = id.y * TOP_K + min(r + 1u, TOP_K - 1u);
    let a = weights[row] * sum_of_parts(row * PARTS * STRIDE + n);
    let b = weights[next] * sum_of_parts(next * PARTS * STRIDE + n);
    acc = acc + a + select(0.0, b, r + 1u < TOP_K);
  }
  x[id.y * STRIDE + n] = before + acc;
}
