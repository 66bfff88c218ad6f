// q = Wq x, k = Wk x and v = Wv x for one row of x, in one dispatch: three matrices in
// one buffer, which lib/strip.wgsl reads. See matvec_strip.wgsl.
//   x (1, X_STRIDE / 4) vec4f      q, k, v f32
// Needs: strip and what it needs, with shape_three; strip_inputs, x_*.
override WG: u32;
override X_STRIDE: u32;

@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> q: array<f32>;
@group(0) @binding(3) var<storage, read_write> k: array<f32>;
@group(0) @binding(4) var<storage, read_write> v: array<f32>;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let matrix = take_matrix(id.x);
  let workgroup = id.x - shapes[matrix].first_workgroup;
  let inputs = strip_inputs(lane, 0u, 0u, K / 16u);
  fold_units(lane, shapes[matrix].base, workgroup, inputs);
  workgroupBarrier();

  let scale = strip_scale();
  for (var i = lane; i < UNITS * 16u; i += WG) {
    let n = output_of(workgroup, i);
    if (n == N) { continue; }
    let value = folded_sum(i / 16u, i % 16u) * scale;
    if (matrix == 0u) { q[n] = value; }
    if (matrix == 1u) { k[n] = value; }
    if (matrix == 2u) { v[n] = value; }
  }
}
