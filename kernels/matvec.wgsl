// y (+)= W x for one row of x: decode. `lib/x_normed.wgsl` makes it W norm(x).
//   w  packed rows (P G, K) of codes, groups (G, K) of scale and zero
//   x  (rows, X_STRIDE / 4) vec4f      y (rows, Y_STRIDE) f32
// W[n, k] = (code - zero[g, k]) scale[g, k]. Packed row p G + g holds the output
// rows n = p G + g + i P G. With a[k] = scale[g, k] x[k], which the members of a
// group share, y[n] = sum_k a[k] code[n, k] - sum_k a[k] zero[g, k].
// One workgroup for 4 packed rows of one group; its invocations stride over k.
// matvec_strip.wgsl does the same faster where it can.
// Needs: codes_*, group_*, inputs_4, x_*, pick_*, reduce_*.
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

fn store(row: u32, p: u32, g: u32, acc: Acc, zero: f32, scale: f32) {
  if (p >= P) { return; }
  for (var i = 0u; i < CODES; i++) {
    let n = p * G + g + i * P * G;
    if (n >= N) { return; }
    let at = row + n;
    let value = (member(acc, i) - zero) * scale;
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
  if (!pick(id.z)) { return; }
  let base = weights_at(id.z);
  let x_at = x_row(id.z) * (X_STRIDE / 4u);
  // Rows beyond the last are read again instead, and not stored.
  let row0 = row_at(base, p * G + g);
  let row1 = row_at(base, min(p + 1u, P - 1u) * G + g);
  let row2 = row_at(base, min(p + 2u, P - 1u) * G + g);
  let row3 = row_at(base, min(p + 3u, P - 1u) * G + g);
  var acc0 = Acc();
  var acc1 = Acc();
  var acc2 = Acc();
  var acc3 = Acc();
  var zero = 0.0;
  var squares = 0.0;
  for (var k = lane; k < vec_count(); k += WG) {
    let group = group_at(base, g, k);
    let a = input4(x_at, k) * group.scale;
    squares += square4(x_at, k);
    zero += dot(a, group.zero);
    acc0 = mac_row(acc0, row0, k, a);
    acc1 = mac_row(acc1, row1, k, a);
    acc2 = mac_row(acc2, row2, k, a);
    acc3 = mac_row(acc3, row3, k, a);
  }
  let sums = reduce_sum4(lane, vec4f(zero, squares, 0.0, 0.0));
  zero = sums.x;
  let scale = input_scale(sums.y);
  acc0 = reduce_acc(lane, acc0);
  acc1 = reduce_acc(lane, acc1);
  acc2 = reduce_acc(lane, acc2);
  acc3 = reduce_acc(lane, acc3);
  if (lane == 0u) {
    let row = y_row(id.z) * Y_STRIDE;
    store(row, p, g, acc0, zero, scale);
    store(row, p + 1u, g, acc1, zero, scale);
    store(row, p + 2u, g, acc2, zero, scale);
    store(row, p + 3u, g, acc3, zero, scale);
  }
}
