// Attention of a single token with rotary positions on the way: rotates q and the
// token's own k, appends k and v to the cache, and makes
// y[head] = softmax(q k^T / sqrt(D)) v over the positions that the token may see,
// at most WINDOW of them (0: no limit). Shapes as in rope_kv.wgsl and
// attention.wgsl, with D a multiple of 8.
// One workgroup for a head. A position takes QUADS lanes of a subgroup, a vec4 of
// the head each; every QUADS lanes run an online softmax (Milakov and Gimelshein,
// arXiv 1805.02867) over positions of their own, 4 at a time so that loads
// overlap, and the states are merged at the end in a fixed order.
// Needs: step.
override WG: u32;
override SUBGROUP: u32;
override QUADS: u32;      // D / 4: a power of two, at most SUBGROUP
override HEADS: u32;
override KV_HEADS: u32;
override WINDOW: u32;
override STATES: u32;     // WG / QUADS
override SUM_QUADS: u32;  // STATES QUADS

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read> angles: array<vec4f>;  // cos, sin, cos, sin
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> k_cache: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> v_cache: array<vec4f>;

const LOWEST = -3.0e38;

var<workgroup> state_max: array<f32, STATES>;
var<workgroup> state_total: array<f32, STATES>;
var<workgroup> state_sum: array<vec4f, SUM_QUADS>;

// Sums over the QUADS lanes of a position.
fn sum_quads(value: f32) -> f32 {
  if (QUADS == SUBGROUP) { return subgroupAdd(value); }
  var sum = value;
  if (QUADS > 1u) { sum += subgroupShuffleXor(sum, 1u); }
  if (QUADS > 2u) { sum += subgroupShuffleXor(sum, 2u); }
  if (QUADS > 4u) { sum += subgroupShuffleXor(sum, 4u); }
  if (QUADS > 8u) { sum += subgroupShuffleXor(sum, 8u); }
  if (QUADS > 16u) { sum += subgroupShuffleXor(sum, 16u); }
  return sum;
}

// Turns pairs (i, i + D / 2): `own` is quad `quad` of a head, `other` the quad half
// a head away.
fn rotate(own: vec4f, other: vec4f, quad: u32) -> vec4f {
  let half = QUADS / 2u;
  let at = (step.position * half + quad % half) * 2u;
  let a = angles[at];
  let b = angles[at + 1u];
  let turned = vec4f(a.y, a.w, b.y, b.w) * other;
  return vec4f(a.x, a.z, b.x, b.z) * own + select(turned, -turned, quad < half);
}

fn score_of(query: vec4f, at: u32, is_seen: bool) -> f32 {
  return select(LOWEST, sum_quads(dot(query, k_cache[at])), is_seen);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let head = id.x;
  let kv_head = head / (HEADS / KV_HEADS);
  let quad = lane % QUADS;
  let state = lane / QUADS;
  let across = (quad + QUADS / 2u) % QUADS;
  let query = rotate(q[head * QUADS + quad], q[head * QUADS + across], quad) *
    inverseSqrt(f32(QUADS * 4u));
  let own = kv_head * QUADS;
  let key = rotate(k[own + quad], k[own + across], quad);
  let value = v[own + quad];
  let position = step.position;
  let row = KV_HEADS * QUADS;
  // The first head of those that share k and v appends them; nobody reads them back.
  if (head % (HEADS / KV_HEADS) == 0u && state == 0u) {
    k_cache[position * row + own + quad] = key;
    v_cache[position * row + own + quad] = value;
  }

  // The token's own position is the first of state 0.
  let own_score = sum_quads(dot(query, key));
  var highest = select(LOWEST, own_score, state == 0u);
  var total = select(0.0, 1.0, state == 0u);
  var sum = select(vec4f(0.0), value, state == 0u);
  var first = 0u;
  if (WINDOW > 0u && position + 1u > WINDOW) { first = position + 1u - WINDOW; }
  for (var start = first; start < position; start += 4u * STATES) {
    let j0 = start + state;
    let j1 = j0 + STATES;
    let j2 = j1 + STATES;
    let j3 = j2 + STATES;
    // Positions beyond the last are the last again, with weight zero.
    let at0 = min(j0, position - 1u) * row + own + quad;
    let at1 = min(j1, position - 1u) * row + own + quad;
    let at2 = min(j2, position - 1u) * row + own + quad;
    let at3 = min(j3, position - 1u) * row + own + quad;
    let v0 = v_cache[at0];
    let v1 = v_cache[at1];
    let v2 = v_cache[at2];
    let v3 = v_cache[at3];
    let s0 = score_of(query, at0, j0 < position);
    let s1 = score_of(query, at1, j1 < position);
    let s2 = score_of(query, at2, j2 < position);
    let s3 = score_of(query, at3, j3 < position);
    let now_highest = max(highest, max(max(s0, s1), max(s2, s3)));
    let shrink = exp(highest - now_highest);
    // A state that has seen nothing yet has LOWEST for its maximum: no weight is 1.
    let e0 = select(0.0, exp(s0 - now_highest), j0 < position);
    let e1 = select(0.0, exp(s1 - now_highest), j1 < position);
    let e2 = select(0.0, exp(s2 - now_highest), j2 < position);
    let e3 = select(0.0, exp(s3 - now_highest), j3 < position);
    highest = now_highest;
    total = total * shrink + ((e0 + e1) + (e2 + e3));
    sum = sum * shrink + ((e0 * v0 + e1 * v1) + (e2 * v2 + e3 * v3));
  }
  if (quad == 0u) {
    state_max[state] = highest;
    state_total[state] = total;
  }
  state_sum[lane] = sum;
  workgroupBarrier();

  if (lane >= QUADS) { return; }
  var top = LOWEST;
  for (var i = 0u; i < STATES; i++) { top = max(top, state_max[i]); }
  var out = vec4f(0.0);
  var share = 0.0;
  for (var i = 0u; i < STATES; i++) {
    let weight = exp(state_max[i] - top);
    share += weight * state_total[i];
    out += weight * state_sum[i * QUADS + lane];
  }
  y[head * QUADS + lane] = out / share;
}
