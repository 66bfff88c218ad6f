// Router: the TOP_K experts of each token and their weights.
//   x (T, STRIDE / 4) vec4f    gate (E, STRIDE / 4) vec4f, zero beyond K
//   ids (T, TOP_K) u32, the highest logit first, equal logits the lower id first
//   weights (T, TOP_K) f32: softmax over the chosen logits, which is the softmax
//   over all of them divided by the chosen ones' sum.
// For a single token, the next layer's router too: the GUESS experts that it
// would choose if x were its own, best first, follow the ids.
//   next_gate (E, STRIDE / 4) vec4f; anything if GUESS is 0
// One workgroup for a token. Needs: reduce_*.
override WG: u32;
override STRIDE: u32;
override E: u32;
override TOP_K: u32;
override GUESS: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> gate: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> ids: array<u32>;
@group(0) @binding(3) var<storage, read_write> weights: array<f32>;
@group(0) @binding(4) var<storage, read> next_gate: array<vec4f>;

const LOWEST = -3.0e38;

var<workgroup> logits: array<f32, E>;

// The expert with the highest logit; the caller lowers it.
fn best_expert() -> u32 {
  var best = 0u;
  for (var e = 1u; e < E; e++) {
    if (logits[e] > logits[best]) { best = e; }
  }
  return best;
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
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
  if (lane == 0u) {
    let row = id.x * TOP_K;
    var top = 0.0;
    var total = 0.0;
    for (var rank = 0u; rank < TOP_K; rank++) {
      let best = best_expert();
      if (rank == 0u) { top = logits[best]; }
      let share = exp(logits[best] - top);
      total += share;
      ids[row + rank] = best;
      weights[row + rank] = share;
      logits[best] = LOWEST;
    }
    for (var rank = 0u; rank < TOP_K; rank++) { weights[row + rank] /= total; }
  }
  if (GUESS == 0u || count.x > 1u) { return; }
  for (var e = 0u; e < E; e++) {
    var acc = 0.0;
    for (var i = lane; i < quads; i += WG) {
      acc += dot(x[i], next_gate[e * quads + i]);
    }
    let logit = reduce_sum(lane, acc);
    if (lane == 0u) { logits[e] = logit; }
  }
  if (lane != 0u) { return; }
  for (var i = 0u; i < GUESS; i++) {
    let best = best_expert();
    ids[TOP_K + i] = best;
    logits[best] = LOWEST;
  }
}
