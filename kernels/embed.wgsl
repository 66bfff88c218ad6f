// x[t] = embedding[token[t]]
//   w (vocabSize, K) f32, f16 or bf16    tokens (T) u32    x (T, X_STRIDE) f32
// One workgroup for a token. Needs: codes_{f32,f16,bf16}, reduce_none.
override WG: u32;
override K: u32;
override X_STRIDE: u32;

@group(0) @binding(0) var<storage, read> w: array<u32>;
@group(0) @binding(1) var<storage, read> tokens: array<u32>;
@group(0) @binding(2) var<storage, read_write> x: array<f32>;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let quads = (K + 3u) / 4u;
  let row = tokens[id.x] * quads * QUAD_WORDS;
  for (var k4 = lane; k4 < quads; k4 += WG) {
    let v = codes(fetch(row, k4), 0u);
    for (var j = 0u; j < 4u; j++) {
      let k = k4 * 4u + j;
      if (k < K) { x[id.x * X_STRIDE + k] = v[j]; }
    }
  }
}
