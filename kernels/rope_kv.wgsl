// Rotates q in place, rotates k into the cache, copies v into the cache.
//   q (T, Q_STRIDE) f32    k, v (T, KV_STRIDE) f32
//   angles (context, D / 2) vec2f: cos and sin of position * theta^(-2 i / D)
//   k_cache, v_cache (context, KV_HEADS D) f32
// Pairs are (i, i + D / 2) within a head, as in Hugging Face's rotate_half.
// One invocation for a pair; first the pairs of q, then those of k and v.
// Needs: step.
override D: u32;
override HEADS: u32;
override KV_HEADS: u32;
override Q_STRIDE: u32;
override KV_STRIDE: u32;

@group(0) @binding(0) var<storage, read_write> q: array<f32>;
@group(0) @binding(1) var<storage, read> k: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
@group(0) @binding(3) var<storage, read> angles: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> k_cache: array<f32>;
@group(0) @binding(5) var<storage, read_write> v_cache: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let half = D / 2u;
  let pair = id.x * 64u + lane;
  let t = id.y;
  let position = step.position + t;
  let turn = angles[position * half + pair % half];
  if (pair < HEADS * half) {
    let at = t * Q_STRIDE + pair / half * D + pair % half;
    let a = q[at];
    let b = q[at + half];
    q[at] = a * turn.x - b * turn.y;
    q[at + half] = b * turn.x + a * turn.y;
  } else if (pair < (HEADS + KV_HEADS) * half) {
    let in_row = (pair / half - HEADS) * D + pair % half;
    let kv_at = t * KV_STRIDE + in_row;
    let cache_at = position * KV_HEADS * D + in_row;
    let a = k[kv_at];
    let b = k[kv_at + half];
    k_cache[cache_at] = a * turn.x - b * turn.y;
    k_cache[cache_at + half] = b * turn.x + a * turn.y;
    v_cache[cache_at] = v[kv_at];
    v_cache[cache_at + half] = v[kv_at + half];
  }
}
