// y (+)= W x for one row of x, as matvec.wgsl, for matrices that lib/strip.wgsl
// reads: decode on a GPU.
//   x (rows, X_STRIDE / 4) vec4f      y (rows PARTS, Y_STRIDE) f32
// A workgroup takes all inputs, or one of PARTS equal parts of them: then y has a
// row for each part, to be summed by whoever reads it.
// Needs: strip and what it needs, strip_inputs, x_*, pick_*.
override WG: u32;
override PARTS: u32;
override X_STRIDE: u32;
override Y_STRIDE: u32;
override ADD: u32;       // 1: add to y, 0: write y

@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  if (!pick(id.z)) { return; }
  let base = weights_at(id.z) / 4u;
  let x_at = x_row(id.z) * (X_STRIDE / 4u);
  let count = K / 16u / PARTS;
  let inputs = strip_inputs(lane, x_at, id.y * count, count);
  fold_units(lane, base, id.x, inputs);
  workgroupBarrier();

  let scale = strip_scale();
  let row = (y_row(id.z) * PARTS + id.y) * Y_STRIDE;
  for (var i = lane; i < UNITS * 16u; i += WG) {
    let n = output_of(id.x, i);
    if (n == N) { continue; }
    let value = folded_sum(i / 16u, i % 16u) * scale;
    if (ADD == 1u) { y[row + n] += value; } else { y[row + n] = value; }
  }
}
