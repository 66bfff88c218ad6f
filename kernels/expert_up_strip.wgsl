// h = silu(W1 x) * (W3 x) for the experts of one token, as expert_up.wgsl, for
// matrices that lib/strip.wgsl reads: decode on a GPU.
//   x (1, X_STRIDE / 4) vec4f      h (k, Y_STRIDE) f32, a row for each rank
// A workgroup takes all inputs, and the same units of W1 and W3 one after the
// other: they are the two matrices of lib/strip.wgsl.
// Needs: strip and what it needs, strip_inputs, x_*, pick_*.
override WG: u32;
override X_STRIDE: u32;
override Y_STRIDE: u32;

@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> h: array<f32>;

fn silu(v: f32) -> f32 { return v / (1.0 + exp(-v)); }

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  if (!pick(id.z)) { return; }
  let base = weights_at(id.z) / 4u;
  let x_at = x_row(id.z) * (X_STRIDE / 4u);
  fold_units(lane, base, id.x, strip_inputs(lane, x_at, 0u, K / 16u));
  workgroupBarrier();

  let scale = strip_scale();
  let row = y_row(id.z) * Y_STRIDE;
  for (var i = lane; i < UNITS * 16u; i += WG) {
    let n = output_of(id.x, i);
    if (n == N) { continue; }
    let h1 = folded_sum(i / 16u, i % 16u) * scale;
    let h3 = folded_sum(UNITS + i / 16u, i % 16u) * scale;
    h[row + n] = silu(h1) * h3;
  }
}
