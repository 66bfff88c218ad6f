// y[t] = weight * x[t] / sqrt(mean(x[t]^2) + EPSILON)
//   x, y (T, STRIDE / 4) vec4f, zero beyond K      weight (STRIDE / 4) vec4f
// One workgroup for a row. FROM_FIRST: rows step.first_row... go to rows 0... of
// y (the rows that get logits).
// Needs: step, reduce_*.
override WG: u32;
override K: u32;
override STRIDE: u32;
override EPSILON: f32;
override FROM_FIRST: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let x_at = (id.x + step.first_row * FROM_FIRST) * (STRIDE / 4u);
  let y_at = id.x * (STRIDE / 4u);
  var squares = 0.0;
  for (var i = lane; i < STRIDE / 4u; i += WG) {
    squares += dot(x[x_at + i], x[x_at + i]);
  }
  let mean = reduce_sum(lane, squares) / f32(K) + EPSILON;
  // NaN if the squares overflowed: 1 / sqrt(infinity) would make zeros of the row.
  let is_number = bitcast<u32>(mean) < 0x7f800000u;
  let scale = bitcast<f32>(select(0x7fc00000u, bitcast<u32>(inverseSqrt(mean)), is_number));
  for (var i = lane; i < STRIDE / 4u; i += WG) {
    y[y_at + i] = x[x_at + i] * scale * weight[i];
  }
}
