// y[t, head] = softmax(q k^T / sqrt(D)) v for many tokens: prefill. Shapes and
// masks as in attention.wgsl.
// One workgroup of 64 for 32 tokens of a head (FlashAttention, arXiv 2205.14135):
// for 32 positions at a time, scores = q k^T, softmax, sum = sum * shrink + p v.
// q, k and v pass through shared memory in slices of 32 elements; an invocation
// holds a square of 4 tokens x 4 positions, or of 4 tokens x 4 elements.
// Needs: step, attention_squares.
override D: u32;
override QUADS: u32;
override SUM_QUADS: u32;  // 32 QUADS: naga 29 panics on that as an array size
override HEADS: u32;
override KV_HEADS: u32;
override Y_STRIDE: u32;
override WINDOW: u32;

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k_cache: array<vec4f>;
@group(0) @binding(2) var<storage, read> v_cache: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

var<workgroup> sum: array<vec4f, SUM_QUADS>;    // (32 tokens, QUADS)

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let head = id.x;
  let row = KV_HEADS * QUADS;
  let kv_head = head / (HEADS / KV_HEADS) * QUADS;
  let first_token = id.y * TILE;
  let token_count = min(TILE, step.token_count - first_token);
  let end = step.position + first_token + token_count; // positions seen by the last
  var first = 0u;
  if (WINDOW > 0u && step.position + first_token + 1u > WINDOW) {
    first = step.position + first_token + 1u - WINDOW; // seen by the first token
  }
  let ti = lane / 8u;  // which 4 tokens
  let pi = lane % 8u;  // which 4 positions, or vec4 of a slice
  for (var i = lane; i < 32u * QUADS; i += 64u) { sum[i] = vec4f(); }
  if (lane < TILE) {
    highest[lane] = LOWEST;
    total[lane] = 0.0;
  }
  for (var start = first; start < end; start += TILE) {
    var s = mat4x4f();
    for (var slice = 0u; slice < QUADS; slice += SLICE) {
      workgroupBarrier();
      for (var at = lane; at < 256u; at += 64u) {
        let i = at / SLICE;
        let part = at % SLICE;
        var a = vec4f();
        var b = vec4f();
        if (slice + part < QUADS) {
          if (i < token_count) {
            a = q[((first_token + i) * HEADS + head) * QUADS + slice + part];
          }
          if (start + i < end) {
            b = k_cache[(start + i) * row + kv_head + slice + part];
          }
        }
        store_a(i, part, a);
        store_b(i, part, b);
      }
      workgroupBarrier();
      s = score_slice(ti, pi, s);
    }
    for (var c = 0u; c < 4u; c++) {
      p[(pi * 4u + c) * 8u + ti] = vec4f(s[0][c], s[1][c], s[2][c], s[3][c]);
    }
    workgroupBarrier();
    if (lane < TILE) { soften(lane, start, step.position + first_token + lane); }
    for (var slice = 0u; slice < QUADS; slice += SLICE) {
      workgroupBarrier();
      for (var at = lane; at < 256u; at += 64u) {
        let j = at / SLICE;
        let part = at % SLICE;
        var b = vec4f();
        if (start + j < end && slice + part < QUADS) {
          b = v_cache[(start + j) * row + kv_head + slice + part];
        }
        b_tile[j * 8u + part] = b;
      }
      workgroupBarrier();
      if (slice + pi < QUADS) { add_values(ti, pi, slice); }
    }
  }
  workgroupBarrier();
  for (var at = lane; at < token_count * QUADS; at += 64u) {
    let i = at / QUADS;
    let quad = at % QUADS;
    let out = sum[at] / total[i];
    for (var c = 0u; c < 4u; c++) {
      if (quad * 4u + c < D) {
        y[(first_token + i) * Y_STRIDE + head * D + quad * 4u + c] = out[c];
      }
    }
  }
}
