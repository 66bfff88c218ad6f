// y = W x for one row of x, with groups along the inputs (HQQ's axis 1): decode.
//   w  packed rows (P, K) of codes, scale and zero (N, K / GROUP)
//   x  (rows, X_STRIDE / 4) vec4f      y (rows, Y_STRIDE) f32
// W[n, k] = (code - zero[n, k / GROUP]) scale[n, k / GROUP]. Packed row p holds the
// output rows n = p + i P, each with groups of its own.
// One workgroup for a packed row; its invocations stride over k, 4 at a time.
// Needs: codes_*, group_axis1, x_*, pick_*, reduce_*.
override WG: u32;
override K: u32;
override N: u32;
override G: u32;         // 1: packed rows are in no groups
override P: u32;         // packed rows
override X_STRIDE: u32;
override Y_STRIDE: u32;
override INTO: u32;      // 0: write y, 1: add to y, 2: y = silu(y) * W x

@group(0) @binding(0) var<storage, read> w: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

fn store(at: u32, value: f32) {
  if (INTO == 0u) {
    y[at] = value;
  } else if (INTO == 1u) {
    y[at] += value;
  } else {
    let v = y[at];
    y[at] = v / (1.0 + exp(-v)) * value;
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let p = id.y * count.x + id.x;
  if (p >= P) { return; }
  if (!pick(id.z)) { return; }
  let quads = (K + 3u) / 4u;
  let base = weights_at(id.z);
  let x_at = x_row(id.z) * (X_STRIDE / 4u);
  let row = base + p * quads * QUAD_WORDS;
  var sums: array<f32, CODES>;
  var squares = 0.0;
  for (var k4 = lane; k4 < quads; k4 += WG) {
    let raw = fetch(row, k4);
    let inputs = input4(x_at, k4);
    squares += square4(x_at, k4);
    for (var i = 0u; i < CODES; i++) {
      // A padded member has no groups; it is not stored.
      let group = group_of_member(Group(), base, min(p + i * P, N - 1u), k4);
      sums[i] += dot((codes(raw, i) - group.zero) * group.scale, inputs);
    }
  }
  let scale = input_scale(reduce_sum(lane, squares));
  for (var i = 0u; i < CODES; i++) {
    let sum = reduce_sum(lane, sums[i]) * scale;
    let n = p + i * P;
    if (lane == 0u && n < N) { store(y_row(id.z) * Y_STRIDE + n, sum); }
  }
}
