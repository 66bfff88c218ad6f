// h = silu(W1 x) * (W3 x) for the experts of one token, as expert_up.wgsl, for
// matrices that lib/strip.wgsl reads: decode on a GPU.
//   x (1, X_STRIDE / 4) vec4f      h (k, Y_STRIDE) f32, a row for each rank
// A workgroup takes all inputs, and the same units of W1 and W3 one after the
// other.
// Needs: strip, shape_one, strip_u*, weights_*, strip_inputs, fold, x_*, pick_*.
override WG: u32;
override X_STRIDE: u32;
override Y_STRIDE: u32;
override MATRIX3_AT: u32;

@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> h: array<f32>;

fn silu(v: f32) -> f32 { return v / (1.0 + exp(-v)); }

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  if (!pick(id.z)) { return; }
  let base1 = weights_at(id.z) / 4u;
  let base3 = base1 + (MATRIX3_AT - MATRIX_AT) / 4u;
  let x_at = x_row(id.z) * (X_STRIDE / 4u);
  let inputs = strip_inputs(lane, x_at, 0u, K / 16u);
  let residue = id.x % RESIDUES;
  var strip = strip_of(load_scales(base1, residue, inputs.k), inputs.x);
  var unit = load_unit(base1, place_of(id.x, 0u), inputs.k);
  // One loop for both, so that the GPU has but one piece of code to fetch.
  for (var i = 0u; i < 2u * UNITS; i++) {
    let current = unit;
    let next = i + 1u;
    if (next < 2u * UNITS) {
      let base = select(base1, base3, next >= UNITS);
      unit = load_unit(base, place_of(id.x, next % UNITS), inputs.k);
    }
    if (i == UNITS) { strip = strip_of(load_scales(base3, residue, inputs.k), inputs.x); }
    fold(lane, i, unit_sums(current, strip));
  }
  workgroupBarrier();

  let scale = strip_scale();
  let row = y_row(id.z) * Y_STRIDE;
  for (var i = lane; i < UNITS * 16u; i += WG) {
    let n = output_of(id.x, i);
    if (n == N) { continue; }
    let up = folded_sum(i / 16u, i % 16u) * scale;
    let gate = folded_sum(UNITS + i / 16u, i % 16u) * scale;
    h[row + n] = silu(up) * gate;
  }
}
