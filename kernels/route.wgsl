// Router: the TOP_K experts of each token and their weights.
//   x (T, STRIDE / 4) vec4f    gate (E, STRIDE / 4) vec4f, zero beyond K
//   ids (T, TOP_K) u32, the highest logit first, equal logits the lower id first
//   weights (T, TOP_K) f32: softmax over the chosen logits, which is the softmax
//   over all of them divided by the chosen ones' sum.
// For a single token, the next layer's router too: the GUESS experts that it
// would choose if x were its own, best first, follow the ids.
//   next_gate (E, STRIDE / 4) vec4f; anything if GUESS is 0
// `lib/x_normed.wgsl` makes x norm(x), which is kept for the experts. One workgroup
// for a token.
// Needs: x_*, reduce_*.
override WG: u32;
override K: u32;
override QUADS: u32;     // STRIDE / 4
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

// Adds 4 inputs' share of the logits of 4 experts.
fn add_quad(acc: vec4f, v: vec4f, a: vec4f, b: vec4f, c: vec4f, d: vec4f) -> vec4f {
  return acc + vec4f(dot(v, a), dot(v, b), dot(v, c), dot(v, d));
}

// Returns the scale of the inputs.
fn gate_logits(lane: u32, row: u32) -> f32 {
  var scale = 0.0;
  for (var e = 0u; e < E; e += 4u) {
    // Experts beyond the last are the last again, and not kept.
    let b = min(e + 1u, E - 1u) * QUADS;
    let c = min(e + 2u, E - 1u) * QUADS;
    let d = min(e + 3u, E - 1u) * QUADS;
    var acc = vec4f();
    var squares = 0.0;
    for (var i = lane; i < QUADS; i += WG) {
      squares += square4(row, i);
      acc = add_quad(
        acc, input4(row, i), gate[e * QUADS + i], gate[b + i], gate[c + i], gate[d + i],
      );
    }
    if (e == 0u) { scale = input_scale(reduce_sum(lane, squares)); }
    keep_logits(lane, e, reduce_sum4(lane, acc) * scale);
  }
  return scale;
}

fn next_logits(lane: u32) {
  for (var e = 0u; e < E; e += 4u) {
    let b = min(e + 1u, E - 1u) * QUADS;
    let c = min(e + 2u, E - 1u) * QUADS;
    let d = min(e + 3u, E - 1u) * QUADS;
    var acc = vec4f();
    for (var i = lane; i < QUADS; i += WG) {
      acc = add_quad(
        acc, input4(0u, i), next_gate[e * QUADS + i], next_gate[b + i],
        next_gate[c + i], next_gate[d + i],
      );
    }
    // The scale of a norm would not change their order.
    keep_logits(lane, e, reduce_sum4(lane, acc));
  }
}

fn keep_logits(lane: u32, e: u32, four: vec4f) {
  if (lane != 0u) { return; }
  for (var i = 0u; i < 4u; i++) {
    if (e + i < E) { logits[e + i] = four[i]; }
  }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let input_row = id.x * QUADS;
  let scale = gate_logits(lane, input_row);
  for (var i = lane; i < QUADS; i += WG) { keep4(input_row, i, scale); }
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
  next_logits(lane);
  if (lane != 0u) { return; }
  for (var i = 0u; i < GUESS; i++) {
    let best = best_expert();
    ids[TOP_K + i] = best;
    logits[best] = LOWEST;
  }
}
