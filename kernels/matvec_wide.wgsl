// y (+)= W x for one row of x: decode. As matvec.wgsl, 16 inputs at a time.
//   w  packed rows (P G, K) of codes, groups (G, K) of scale and zero
//   x  (rows, X_STRIDE / 4) vec4f      y (rows, Y_STRIDE) f32
// One workgroup for 4 packed rows of one group; its invocations stride over k.
// Needs: codes_u8, codes_u4 or codes_u2, group_meta8, wide_meta8, pick_*, reduce_*.
override WG: u32;
override K: u32;
override N: u32;
override G: u32;         // groups
override P: u32;         // packed rows in a group
override X_STRIDE: u32;
override Y_STRIDE: u32;
override ADD: u32;       // 1: add to y, 0: write y

@group(0) @binding(0) var<storage, read> w: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

fn store(row: u32, p: u32, g: u32, acc: Acc, zero: f32) {
  if (p >= P) { return; }
  for (var i = 0u; i < CODES; i++) {
    let n = p * G + g + i * P * G;
    if (n >= N) { return; }
    let at = row + n;
    let value = member(acc, i) - zero;
    if (ADD == 1u) { y[at] += value; } else { y[at] = value; }
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
  let p = block / G * 4u;
  if (p >= P) { return; }
  let base = weights_at(id.z);
  let x_at = x_row(id.z) * (X_STRIDE / 4u);
  let row_vecs = K / 16u;
  // Rows beyond the last are read again instead, and not stored.
  let row0 = base / 4u + (p * G + g) * row_vecs;
  let row1 = base / 4u + (min(p + 1u, P - 1u) * G + g) * row_vecs;
  let row2 = base / 4u + (min(p + 2u, P - 1u) * G + g) * row_vecs;
  let row3 = base / 4u + (min(p + 3u, P - 1u) * G + g) * row_vecs;
  var acc0 = Acc();
  var acc1 = Acc();
  var acc2 = Acc();
  var acc3 = Acc();
  var zero = 0.0;
  for (var k16 = lane; k16 < row_vecs; k16 += WG) {
    let group = group16_at(base, g, k16);
    let at = x_at + 4u * k16;
    let a = times(mat4x4f(x[at], x[at + 1u], x[at + 2u], x[at + 3u]), group.scale);
    zero += dot16(a, group.zero);
    acc0 = mac16(acc0, row0, k16, a);
    acc1 = mac16(acc1, row1, k16, a);
    acc2 = mac16(acc2, row2, k16, a);
    acc3 = mac16(acc3, row3, k16, a);
  }
  zero = reduce_sum(lane, zero);
  acc0 = reduce_acc(lane, acc0);
  acc1 = reduce_acc(lane, acc1);
  acc2 = reduce_acc(lane, acc2);
  acc3 = reduce_acc(lane, acc3);
  if (lane == 0u) {
    let row = y_row(id.z) * Y_STRIDE;
    store(row, p, g, acc0, zero);
    store(row, p + 1u, g, acc1, zero);
    store(row, p + 2u, g, acc2, zero);
    store(row, p + 3u, g, acc3, zero);
  }
}
