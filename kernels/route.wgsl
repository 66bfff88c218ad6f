// Router: the TOP_K experts of each token and their weights.
//   x (T, STRIDE / 4) vec4f    gate (E, STRIDE / 4) vec4f, zero beyond K
//   ids (T, TOP_K) u32, the highest logit first, equal logits the lower id first
//   weights (T, TOP_K) f32: softmax over the chosen logits, which is the softmax
//   over all of them divided by the chosen ones' sum.
// One workgroup for a token. Needs: reduce_*.
override WG: u32;
override STRIDE: u32;
override E: u32;
override TOP_K: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> gate: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> ids: array<u32>;
@group(0) @binding(3) var<storage, read_write> weights: array<f32>;

var<workgroup> logits: array<f32, E>;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let quads = STRIDE / 4u;
  for (var e = 0u; e < E; e++) {
    var acc = 0.0;
    for (var i = lane; i < quads; i += WG) {
      acc += dot(x[id.x * quads + i], gate[e * quads + i]);
    }
    let logit = reduce_sum(lane, acc);
    if (lane == 0u) { logits[e] = logit; }
  }
  if (lane != 0u) { return; }
  let row = id.x * TOP_K;
  var top = 0.0;
  var total = 0.0;
  for (var rank = 0u; rank < TOP_K; rank++) {
    var best = 0u;
    for (var e = 1u; e < E; e++) {
      if (logits[e] > logits[best]) { best = e; }
    }
    if (rank == 0u) { top = logits[best]; }
    let share = exp(logits[best] - top);
    total += share;
    ids[row + rank] = best;
    weights[row + rank] = share;
    logits[best] = -3.0e38;
  }
  for (var rank = 0u; rank < TOP_K; rank++) { weights[row + rank] /= total; }
}
