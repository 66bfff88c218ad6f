// h = silu(W1 x) * (W3 x) for the experts of one token: decode.
//   w   experts, each with W1 at MATRIX_AT and W3 at MATRIX3_AT, both (N, K)
//   x   (1, X_STRIDE / 4) vec4f      h (k, Y_STRIDE) f32, a row for each rank
// As matvec.wgsl, but 2 packed rows a workgroup, of both matrices.
// expert_up_strip.wgsl does the same faster where it can.
// Needs: codes_*, group_*, inputs_4, x_*, pick_*, reduce_*.
override WG: u32;
override K: u32;
override N: u32;
override G: u32;         // groups
override P: u32;         // packed rows in a group
override X_STRIDE: u32;
override Y_STRIDE: u32;
override MATRIX3_AT: u32;

@group(0) @binding(0) var<storage, read> w: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> h: array<f32>;

fn silu(v: f32) -> f32 { return v / (1.0 + exp(-v)); }

// `zeros` and `scale` as in matvec.wgsl, the zeros of W1 and W3.
fn store(row: u32, p: u32, g: u32, h1: Acc, h3: Acc, zeros: vec2f, scale: f32) {
  if (p >= P) { return; }
  for (var i = 0u; i < CODES; i++) {
    let n = p * G + g + i * P * G;
    if (n >= N) { return; }
    h[row + n] = silu((member(h1, i) - zeros.x) * scale) * (member(h3, i) - zeros.y) * scale;
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = id.y * count.x + id.x;
  let g = block % G;
  let p = block / G * 2u;
  if (p >= P) { return; }
  if (!pick(id.z)) { return; }
  let base1 = weights_at(id.z);
  let base3 = base1 + MATRIX3_AT - MATRIX_AT;
  let x_at = x_row(id.z) * (X_STRIDE / 4u);
  // A row beyond the last is read again instead, and not stored.
  let first = p * G + g;
  let second = min(p + 1u, P - 1u) * G + g;
  let w1_row0 = row_at(base1, first);
  let w1_row1 = row_at(base1, second);
  let w3_row0 = row_at(base3, first);
  let w3_row1 = row_at(base3, second);
  var h1_0 = Acc();
  var h1_1 = Acc();
  var h3_0 = Acc();
  var h3_1 = Acc();
  var zero1 = 0.0;
  var zero3 = 0.0;
  var squares = 0.0;
  for (var k = lane; k < vec_count(); k += WG) {
    let inputs = input4(x_at, k);
    squares += square4(x_at, k);
    let group1 = group_at(base1, g, k);
    let a1 = inputs * group1.scale;
    zero1 += dot(a1, group1.zero);
    h1_0 = mac_row(h1_0, w1_row0, k, a1);
    h1_1 = mac_row(h1_1, w1_row1, k, a1);
    let group3 = group_at(base3, g, k);
    let a3 = inputs * group3.scale;
    zero3 += dot(a3, group3.zero);
    h3_0 = mac_row(h3_0, w3_row0, k, a3);
    h3_1 = mac_row(h3_1, w3_row1, k, a3);
  }
  let sums = reduce_sum4(lane, vec4f(zero1, zero3, squares, 0.0));
  let scale = input_scale(sums.z);
  h1_0 = reduce_acc(lane, h1_0);
  h1_1 = reduce_acc(lane, h1_1);
  h3_0 = reduce_acc(lane, h3_0);
  h3_1 = reduce_acc(lane, h3_1);
  if (lane == 0u) {
    let row = y_row(id.z) * Y_STRIDE;
    store(row, p, g, h1_0, h3_0, sums.xy, scale);
    store(row, p + 1u, g, h1_1, h3_1, sums.xy, scale);
  }
}
