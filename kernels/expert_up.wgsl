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
fn store(row: u32, p: u32, g: u32, up: Acc, gate: Acc, zeros: vec2f, scale: f32) {
  if (p >= P) { return; }
  for (var i = 0u; i < CODES; i++) {
    let n = p * G + g + i * P * G;
    if (n >= N) { return; }
    h[row + n] = silu((member(up, i) - zeros.x) * scale) * (member(gate, i) - zeros.y) * scale;
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
  let up_row0 = row_at(base1, first);
  let up_row1 = row_at(base1, second);
  let gate_row0 = row_at(base3, first);
  let gate_row1 = row_at(base3, second);
  var up0 = Acc();
  var up1 = Acc();
  var gate0 = Acc();
  var gate1 = Acc();
  var up_zero = 0.0;
  var gate_zero = 0.0;
  var squares = 0.0;
  for (var k = lane; k < vec_count(); k += WG) {
    let inputs = input4(x_at, k);
    squares += square4(x_at, k);
    let group1 = group_at(base1, g, k);
    let a1 = inputs * group1.scale;
    up_zero += dot(a1, group1.zero);
    up0 = mac_row(up0, up_row0, k, a1);
    up1 = mac_row(up1, up_row1, k, a1);
    let group3 = group_at(base3, g, k);
    let a3 = inputs * group3.scale;
    gate_zero += dot(a3, group3.zero);
    gate0 = mac_row(gate0, gate_row0, k, a3);
    gate1 = mac_row(gate1, gate_row1, k, a3);
  }
  let sums = reduce_sum4(lane, vec4f(up_zero, gate_zero, squares, 0.0));
  let scale = input_scale(sums.z);
  up0 = reduce_acc(lane, up0);
  up1 = reduce_acc(lane, up1);
  gate0 = reduce_acc(lane, gate0);
  gate1 = reduce_acc(lane, gate1);
  if (lane == 0u) {
    let row = y_row(id.z) * Y_STRIDE;
    store(row, p, g, up0, gate0, sums.xy, scale);
    store(row, p + 1u, g, up1, gate1, sums.xy, scale);
  }
}
