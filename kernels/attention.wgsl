// y[t, head] = softmax(q k^T / sqrt(D)) v over the cached positions that the
// token may see: up to its own, and at most WINDOW of them (0: no limit).
//   q (T, HEADS, QUADS) vec4f    k_cache, v_cache (context, KV_HEADS, QUADS) vec4f
//   y (T, Y_STRIDE) f32          QUADS = ceil(D / 4), padded with zeros
// One workgroup for a head of a token. It takes 64 positions at a time, whole
// positions an invocation for the scores, then vec4s of y an invocation, with the
// running maximum and sum of online softmax (Milakov and Gimelshein, arXiv
// 1805.02867).
// Or for one part of what the only token sees, if there are several in z.
// Needs: step, reduce_*, attention_state, attention_whole or attention_split.
override WG: u32;
override D: u32;
override QUADS: u32;
override HEADS: u32;
override KV_HEADS: u32;
override WINDOW: u32;

const TILE = 64u;

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k_cache: array<vec4f>;
@group(0) @binding(2) var<storage, read> v_cache: array<vec4f>;

var<workgroup> query: array<vec4f, QUADS>;
var<workgroup> sum: array<vec4f, QUADS>;   // element i belongs to invocation i mod WG
var<workgroup> weight: array<f32, TILE>;   // a score, then its exponential

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let head = id.x;
  let row = KV_HEADS * QUADS;
  let kv_head = head / (HEADS / KV_HEADS) * QUADS;
  let seen_end = step.position + id.y + 1u;
  var seen_first = 0u;
  if (WINDOW > 0u && seen_end > WINDOW) { seen_first = seen_end - WINDOW; }
  let range = part_of(id.z, seen_first, seen_end, TILE);
  let end = range.y;
  for (var i = lane; i < QUADS; i += WG) {
    query[i] = q[(id.y * HEADS + head) * QUADS + i] * inverseSqrt(f32(D));
    sum[i] = vec4f();
  }
  var highest = LOWEST;
  var total = 0.0;
  for (var start = range.x; start < end; start += TILE) {
    workgroupBarrier(); // query is written; the last weights have been read
    let count = min(TILE, end - start);
    var score_max = LOWEST;
    for (var j = lane; j < count; j += WG) {
      let key = (start + j) * row + kv_head;
      var score = 0.0;
      for (var i = 0u; i < QUADS; i++) { score += dot(query[i], k_cache[key + i]); }
      weight[j] = score;
      score_max = max(score_max, score);
    }
    let now_highest = max(highest, reduce_max(lane, score_max));
    let shrink = exp(highest - now_highest);
    highest = now_highest;
    var share = 0.0;
    for (var j = lane; j < count; j += WG) {
      let e = exp(weight[j] - highest);
      weight[j] = e;
      share += e;
    }
    total = total * shrink + reduce_sum(lane, share);
    workgroupBarrier();
    for (var i = lane; i < QUADS; i += WG) {
      var acc = sum[i] * shrink;
      let value = start * row + kv_head + i;
      for (var j = 0u; j < count; j++) { acc += weight[j] * v_cache[value + j * row]; }
      sum[i] = acc;
    }
  }
  for (var i = lane; i < QUADS; i += WG) {
    put(id.y, id.z, head, i, State(highest, total, sum[i]));
  }
}
