// y[t, head] = softmax(q k^T / sqrt(D)) v over the cached positions that the
// token may see: up to its own, and at most WINDOW of them (0: no limit).
//   q, y (T, STRIDE) f32    k_cache, v_cache (context, KV_HEADS D) f32
// One workgroup for a head of a token. It takes WG positions at a time, a
// position an invocation for the scores, then an element of y an invocation,
// with the running maximum and sum of online softmax (Milakov and Gimelshein,
// arXiv 1805.02867).
// Needs: step, reduce_*.
override WG: u32;
override D: u32;
override HEADS: u32;
override KV_HEADS: u32;
override STRIDE: u32;
override WINDOW: u32;

@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> k_cache: array<f32>;
@group(0) @binding(2) var<storage, read> v_cache: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

var<workgroup> query: array<f32, D>;
var<workgroup> sum: array<f32, D>;    // element d belongs to invocation d mod WG
var<workgroup> weight: array<f32, WG>;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let head = id.x;
  let row = id.y * STRIDE + head * D;
  let kv_row = KV_HEADS * D;
  let kv_head = head / (HEADS / KV_HEADS) * D;
  let last = step.position + id.y;
  var first = 0u;
  if (WINDOW > 0u && last + 1u > WINDOW) { first = last + 1u - WINDOW; }
  for (var d = lane; d < D; d += WG) {
    query[d] = q[row + d] * inverseSqrt(f32(D));
    sum[d] = 0.0;
  }
  var highest = -3.0e38;
  var total = 0.0;
  for (var start = first; start <= last; start += WG) {
    workgroupBarrier(); // query is written; the last weights have been read
    let position = start + lane;
    var score = -3.0e38;
    if (position <= last) {
      let key = position * kv_row + kv_head;
      score = 0.0;
      for (var d = 0u; d < D; d += 2u) {
        score += query[d] * k_cache[key + d] + query[d + 1u] * k_cache[key + d + 1u];
      }
    }
    let now_highest = max(highest, reduce_max(lane, score));
    let shrink = exp(highest - now_highest);
    highest = now_highest;
    var share = 0.0;
    if (position <= last) { share = exp(score - highest); }
    weight[lane] = share;
    total = total * shrink + reduce_sum(lane, share);
    workgroupBarrier();
    let count = min(WG, last + 1u - start);
    for (var d = lane; d < D; d += WG) {
      var acc = sum[d] * shrink;
      for (var j = 0u; j < count; j++) {
        acc += weight[j] * v_cache[(start + j) * kv_row + kv_head + d];
      }
      sum[d] = acc;
    }
  }
  for (var d = lane; d < D; d += WG) {
    y[row + d] = sum[d] / total;
  }
}
