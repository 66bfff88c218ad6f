// Rotates q, rotates k into the cache, copies v into the cache. Heads come out
// padded with zeros to D_PADDED, so that attention reads whole vec4s.
//   q (T, Q_STRIDE) f32    k, v (T, KV_STRIDE) f32
//   angles (context, D / 2) vec2f: cos and sin of position * theta^(-2 i / D)
//   q_out (T, HEADS D_PADDED) f32    k_cache, v_cache (context, KV_HEADS D_PADDED)
// Pairs are (i, i + D / 2) within a head, as in Hugging Face's rotate_half.
// One invocation for a pair; first the pairs of q, then those of k and v.
// Needs: step.
override D: u32;
override D_PADDED: u32;
override HEADS: u32;
override KV_HEADS: u32;
override Q_STRIDE: u32;
override KV_STRIDE: u32;

@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> k: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
@group(0) @binding(3) var<storage, read> angles: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> q_out: array<f32>;
@group(0) @binding(5) var<storage, read_write> k_cache: array<f32>;
@group(0) @binding(6) var<storage, read_write> v_cache: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let half = D / 2u;
  let pair = id.x * 64u + lane;
  let head = pair / half;
  let i = pair % half;
  let position = step.position + id.y;
  let turn = angles[position * half + i];
  if (head < HEADS) {
    let at = id.y * Q_STRIDE + head * D + i;
    let out = (id.y * HEADS + head) * D_PADDED + i;
    let a = q[at];
    let b = q[at + half];
    q_out[out] = a * turn.x - b * turn.y;
    q_out[out + half] = b * turn.x + a * turn.y;
  } else if (head < HEADS + KV_HEADS) {
    let kv_head = head - HEADS;
    let at = id.y * KV_STRIDE + kv_head * D + i;
    let out = (position * KV_HEADS + kv_head) * D_PADDED + i;
    let a = k[at];
    let b = k[at + half];
    k_cache[out] = a * turn.x - b * turn.y;
    k_cache[out + half] = b * turn.x + a * turn.y;
    v_cache[out] = v[at];
    v_cache[out + half] = v[at + half];
  }
}
