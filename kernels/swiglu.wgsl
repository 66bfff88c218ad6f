// h = silu(h) * h3, element by element, in the rows of some experts: prefill.
//   h, h3 (rows, STRIDE) f32
// One invocation for an element; id.y is the row of the expert id.z.
// Needs: rows_expert or rows_slot.
override STRIDE: u32;

@group(0) @binding(0) var<storage, read_write> h: array<f32>;
@group(0) @binding(1) var<storage, read> h3: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let n = id.x * 64u + lane;
  if (id.y >= row_count(id.z) || n >= STRIDE) { return; }
  let at = y_row(id.z, id.y) * STRIDE + n;
  let v = h[at];
  h[at] = v / (1.0 + exp(-v)) * h3[at];
}
