// One part of the attention of a single token over a long context, with rotary
// positions on the way (Flash-Decoding: Dao et al. 2023): as attention_decode.wgsl,
// for 4 heads of q that share a head of k and v, which are read once.
// One workgroup for these heads and a part of the positions. Every QUADS lanes run
// online softmaxes over positions of their own, 4 at a time, while the next 4 are on
// their way; lane i of 4 knows maximum and total of head i.
// Needs: step, attention_state, attention_lanes, attention_heads, attention_split.
override WG: u32;         // STATES QUADS, QUADS at least 4
override STATES: u32;
override SUM_QUADS: u32;  // 4 STATES QUADS
override HEADS: u32;
override KV_HEADS: u32;
override CHUNKS: u32;     // ceil(HEADS / KV_HEADS / 4)
override WINDOW: u32;

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read> angles: array<vec4f>;  // cos, sin, cos, sin
@group(0) @binding(5) var<storage, read_write> k_cache: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> v_cache: array<vec4f>;

var<workgroup> state_max: array<vec4f, STATES>;
var<workgroup> state_total: array<vec4f, STATES>;
var<workgroup> state_sum: array<vec4f, SUM_QUADS>;  // (4 heads, STATES, QUADS)

fn query_of(head: u32, quad: u32) -> vec4f {
  let across = (quad + QUADS / 2u) % QUADS;
  return rotate(q[head * QUADS + quad], q[head * QUADS + across], quad) *
    inverseSqrt(f32(QUADS * 4u));
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let kv_head = id.x / CHUNKS;
  let ratio = HEADS / KV_HEADS;
  let head = kv_head * ratio + id.x % CHUNKS * 4u;
  let last_head = kv_head * ratio + ratio - 1u;  // heads beyond it are it again
  let quad = lane % QUADS;
  let state = lane / QUADS;
  let own = kv_head * QUADS;
  let position = step.position;
  let row = KV_HEADS * QUADS;
  var first = 0u;
  if (WINDOW > 0u && position + 1u > WINDOW) { first = position + 1u - WINDOW; }
  let range = part_of(id.y, first, position, STATES);
  let last = max(range.y, 1u) - 1u;
  var j = vec4u(range.x + state) + vec4u(0u, 1u, 2u, 3u) * STATES;
  var next = load_four(j, last, own + quad);

  let query = mat4x4f(
    query_of(head, quad),
    query_of(min(head + 1u, last_head), quad),
    query_of(min(head + 2u, last_head), quad),
    query_of(min(head + 3u, last_head), quad),
  );
  let key = rotate(k[own + quad], k[own + (quad + QUADS / 2u) % QUADS], quad);
  let value = v[own + quad];
  // The token's own position is the first of state 0 of part 0.
  let own_score = score_of(query, key, lane);
  let has_own = id.y == 0u && state == 0u;
  var highest = select(LOWEST, own_score, has_own);
  var total = select(0.0, 1.0, has_own);
  var sum = outer(value, vec4f(total));
  for (var start = range.x; start < range.y; start += 4u * STATES) {
    let now = next;
    let is_seen = j < vec4u(range.y);
    j += vec4u(4u * STATES);
    next = load_four(j, last, own + quad);
    let scores = vec4f(
      score_of(query, now.k[0], lane),
      score_of(query, now.k[1], lane),
      score_of(query, now.k[2], lane),
      score_of(query, now.k[3], lane),
    );
    let s = select(vec4f(LOWEST), scores, is_seen);
    let now_highest = max(highest, max(max(s.x, s.y), max(s.z, s.w)));
    let shrink = exp(highest - now_highest);
    let e = select(vec4f(0.0), exp(s - now_highest), is_seen);
    highest = now_highest;
    total = total * shrink + ((e.x + e.y) + (e.z + e.w));
    sum = scale(sum, heads_of(shrink, lane));
    sum = sum + outer(now.v[0], heads_of(e.x, lane)) + outer(now.v[1], heads_of(e.y, lane)) +
      outer(now.v[2], heads_of(e.z, lane)) + outer(now.v[3], heads_of(e.w, lane));
  }

  if (quad < 4u) { state_max[state][quad] = highest; }
  workgroupBarrier();
  var top = state_max[0];
  for (var i = 0u; i < STATES; i += 4u) {
    let a = max(state_max[i], state_max[min(i + 1u, STATES - 1u)]);
    let b = max(state_max[min(i + 2u, STATES - 1u)], state_max[min(i + 3u, STATES - 1u)]);
    top = max(top, max(a, b));
  }
  let weight = exp(state_max[state] - top);
  if (quad < 4u) { state_total[state][quad] = total * weight[quad]; }
  let scaled = scale(sum, weight);
  state_sum[lane] = scaled[0];
  state_sum[WG + lane] = scaled[1];
  state_sum[2u * WG + lane] = scaled[2];
  state_sum[3u * WG + lane] = scaled[3];
  workgroupBarrier();
  for (var at = lane; at < 4u * QUADS; at += WG) {
    let h = at / QUADS;
    let base = h * WG + at % QUADS;
    var merged = State(top[h], 0.0, vec4f());
    for (var i = 0u; i < STATES; i += 2u) {
      let has_two = i + 1u < STATES;
      let more = min(i + 1u, STATES - 1u);
      merged.total += state_total[i][h] + select(0.0, state_total[more][h], has_two);
      merged.sum += state_sum[base + i * QUADS] +
        select(vec4f(), state_sum[base + more * QUADS], has_two);
    }
    if (head + h <= last_head) { put(0u, id.y, head + h, at % QUADS, merged); }
  }
  if (has_own && id.x % CHUNKS == 0u) {
    k_cache[position * row + own + quad] = key;
    v_cache[position * row + own + quad] = value;
  }
}
