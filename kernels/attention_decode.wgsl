// Attention of a single token with rotary positions on the way: rotates q and the
// token's own k, appends k and v to the cache, and makes
// y[head] = softmax(q k^T / sqrt(D)) v over the positions that the token may see,
// at most WINDOW of them (0: no limit). Shapes as in rope_kv.wgsl and
// attention.wgsl, with D a multiple of 8.
// One workgroup for a head. Every QUADS lanes run an online softmax over positions
// of their own, 4 at a time so that loads overlap; the next 4 are on their way
// meanwhile.
// Needs: step, attention_state, attention_lanes, attention_states.
override WG: u32;         // STATES QUADS; STATE_QUADS is QUADS
override HEADS: u32;
override KV_HEADS: u32;
override WINDOW: u32;

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read> angles: array<vec4f>;  // cos, sin, cos, sin
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> k_cache: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> v_cache: array<vec4f>;

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
  let own = kv_head * QUADS;
  let position = step.position;
  var first = 0u;
  if (WINDOW > 0u && position + 1u > WINDOW) { first = position + 1u - WINDOW; }
  let last = max(position, 1u) - 1u;
  var j = vec4u(first + state) + vec4u(0u, 1u, 2u, 3u) * STATES;
  var next = load_four(j, last, own + quad);

  let query = rotate(q[head * QUADS + quad], q[head * QUADS + across], quad) *
    inverseSqrt(f32(QUADS * 4u));
  let key = rotate(k[own + quad], k[own + across], quad);
  let value = v[own + quad];
  // The token's own position is the first of state 0.
  let own_score = sum_quads(dot(query, key));
  var highest = select(LOWEST, own_score, state == 0u);
  var total = select(0.0, 1.0, state == 0u);
  var sum = select(vec4f(0.0), value, state == 0u);
  for (var start = first; start < position; start += 4u * STATES) {
    let now = next;
    let is_seen = j < vec4u(position);
    j += vec4u(4u * STATES);
    if (start + 4u * STATES < position) { next = load_four(j, last, own + quad); }
    let s0 = sum_quads(dot(query, now.k[0]));
    let s1 = sum_quads(dot(query, now.k[1]));
    let s2 = sum_quads(dot(query, now.k[2]));
    let s3 = sum_quads(dot(query, now.k[3]));
    let s = select(vec4f(LOWEST), vec4f(s0, s1, s2, s3), is_seen);
    let now_highest = max(highest, max(max(s.x, s.y), max(s.z, s.w)));
    let shrink = exp(highest - now_highest);
    // A state that has seen nothing yet has LOWEST for its maximum: no weight is 1.
    let e = select(vec4f(0.0), exp(s - now_highest), is_seen);
    highest = now_highest;
    total = total * shrink + ((e.x + e.y) + (e.z + e.w));
    sum = sum * shrink + ((e.x * now.v[0] + e.y * now.v[1]) + (e.z * now.v[2] + e.w * now.v[3]));
  }
  let merged = merge_states(state, quad, State(highest, total, sum));
  if (state == 0u) { y[head * QUADS + quad] = merged.sum / merged.total; }
  // The first head of those that share k and v appends them; nobody reads them back.
  // Not earlier: no load would pass a store to the same buffer.
  if (head % (HEADS / KV_HEADS) == 0u && state == 0u) {
    k_cache[position * (KV_HEADS * QUADS) + own + quad] = key;
    v_cache[position * (KV_HEADS * QUADS) + own + quad] = value;
  }
}
