// h = silu(W1 x) * (W3 x) for the experts of one token: decode.
//   w   experts, each with W1 at MATRIX_AT and W3 at MATRIX3_AT, both (N, K)
//   x   (1, X_STRIDE / 4) vec4f      h (k, Y_STRIDE) f32, a row for each rank
// As matvec.wgsl, but 2 packed rows a workgroup, of both matrices.
// Needs: codes_*, group_*, pick_expert, reduce_*.
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

fn store(row: u32, p: u32, g: u32, up: Acc, up_zero: f32, gate: Acc, gate_zero: f32) {
  if (p >= P) { return; }
  for (var i = 0u; i < CODES; i++) {
    let n = p * G + g + i * P * G;
    if (n >= N) { return; }
    h[row + n] = silu(member(up, i) - up_zero) * (member(gate, i) - gate_zero);
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
  let base1 = weights_at(id.z);
  let base3 = base1 + MATRIX3_AT - MATRIX_AT;
  let x_at = x_row(id.z) * (X_STRIDE / 4u);
  let quads = (K + 3u) / 4u;
  let row_words = quads * QUAD_WORDS;
  // A row beyond the last is read again instead, and not stored.
  let row0 = (p * G + g) * row_words;
  let row1 = (min(p + 1u, P - 1u) * G + g) * row_words;
  var up0 = Acc();
  var up1 = Acc();
  var gate0 = Acc();
  var gate1 = Acc();
  var up_zero = 0.0;
  var gate_zero = 0.0;
  for (var k4 = lane; k4 < quads; k4 += WG) {
    let group1 = group_at(base1, g, k4);
    let group3 = group_at(base3, g, k4);
    let x4 = x[x_at + k4];
    let a1 = x4 * group1.scale;
    let a3 = x4 * group3.scale;
    up_zero += dot(a1, group1.zero);
    gate_zero += dot(a3, group3.zero);
    up0 = mac(up0, fetch(base1 + row0, k4), a1);
    up1 = mac(up1, fetch(base1 + row1, k4), a1);
    gate0 = mac(gate0, fetch(base3 + row0, k4), a3);
    gate1 = mac(gate1, fetch(base3 + row1, k4), a3);
  }
  up_zero = reduce_sum(lane, up_zero);
  gate_zero = reduce_sum(lane, gate_zero);
  up0 = reduce_acc(lane, up0);
  up1 = reduce_acc(lane, up1);
  gate0 = reduce_acc(lane, gate0);
  gate1 = reduce_acc(lane, gate1);
  if (lane == 0u) {
    let row = y_row(id.z) * Y_STRIDE;
    store(row, p, g, up0, up_zero, gate0, gate_zero);
    store(row, p + 1u, g, up1, up_zero, gate1, gate_zero);
  }
}
