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
// In the end a single token's choice is told: `prepare(lane)` comes before it and
// reads what that takes, `tell(lane)` after it; all invocations call both.
// Needs: x_*, tell_* or residency, reduce_*.
override WG: u32;
override K: u32;
override QUADS: u32;     // STRIDE / 4
override E: u32;
override TOP_K: u32;
override GUESS: u32;
override PICKS: u32 = TOP_K + GUESS;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> gate: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> ids: array<u32>;
@group(0) @binding(3) var<storage, read_write> weights: array<f32>;
@group(0) @binding(4) var<storage, read> next_gate: array<vec4f>;

const LOWEST = -3.0e38;

var<workgroup> logits: array<f32, E>;
var<workgroup> picks: array<u32, PICKS>;   // a token's experts, then the guesses
var<workgroup> shares: array<f32, TOP_K>;  // the experts' weights

// The expert with the highest logit; the caller lowers it.
fn best_expert() -> u32 {
  var best = 0u;
  for (var e = 1u; e < E; e++) {
    if (logits[e] > logits[best]) { best = e; }
  }
  return best;
}

// 4 inputs' share of the logits of 4 experts; one beyond the last is the last again.
fn gate_quad(v: vec4f, e: u32, i: u32) -> vec4f {
  return vec4f(
    dot(v, gate[min(e, E - 1u) * QUADS + i]),
    dot(v, gate[min(e + 1u, E - 1u) * QUADS + i]),
    dot(v, gate[min(e + 2u, E - 1u) * QUADS + i]),
    dot(v, gate[min(e + 3u, E - 1u) * QUADS + i]),
  );
}

fn next_quad(v: vec4f, e: u32, i: u32) -> vec4f {
  return vec4f(
    dot(v, next_gate[min(e, E - 1u) * QUADS + i]),
    dot(v, next_gate[min(e + 1u, E - 1u) * QUADS + i]),
    dot(v, next_gate[min(e + 2u, E - 1u) * QUADS + i]),
    dot(v, next_gate[min(e + 3u, E - 1u) * QUADS + i]),
  );
}

// The logits of 8 experts at a time. Returns the scale of the inputs.
fn gate_logits(lane: u32, row: u32) -> f32 {
  var scale = 0.0;
  for (var e = 0u; e < E; e += 8u) {
    var a = vec4f();
    var b = vec4f();
    var squares = 0.0;
    for (var i = lane; i < QUADS; i += WG) {
      let v = input4(row, i);
      squares += square4(row, i);
      a += gate_quad(v, e, i);
      b += gate_quad(v, e + 4u, i);
    }
    if (e == 0u) { scale = input_scale(reduce_sum(lane, squares)); }
    keep_logits(lane, e, reduce_sum4(lane, a) * scale);
    keep_logits(lane, e + 4u, reduce_sum4(lane, b) * scale);
  }
  return scale;
}

fn next_logits(lane: u32) {
  for (var e = 0u; e < E; e += 8u) {
    var a = vec4f();
    var b = vec4f();
    for (var i = lane; i < QUADS; i += WG) {
      let v = input4(0u, i);
      a += next_quad(v, e, i);
      b += next_quad(v, e + 4u, i);
    }
    // The scale of a norm would not change their order.
    keep_logits(lane, e, reduce_sum4(lane, a));
    keep_logits(lane, e + 4u, reduce_sum4(lane, b));
  }
}

fn keep_logits(lane: u32, e: u32, four: vec4f) {
  if (lane != 0u) { return; }
  for (var i = 0u; i < 4u; i++) {
    if (e + i < E) { logits[e + i] = four[i]; }
  }
}

// Picks the best expert that is left. Returns its logit.
fn pick(i: u32, row: u32) -> f32 {
  let best = best_expert();
  let logit = logits[best];
  picks[i] = best;
  ids[row + i] = best;
  logits[best] = LOWEST;
  return logit;
}

fn choose(row: u32) {
  var top = 0.0;
  var total = 0.0;
  for (var rank = 0u; rank < TOP_K; rank++) {
    let logit = pick(rank, row);
    if (rank == 0u) { top = logit; }
    shares[rank] = exp(logit - top);
    total += shares[rank];
  }
  for (var rank = 0u; rank < TOP_K; rank++) {
    shares[rank] /= total;
    weights[row + rank] = shares[rank];
  }
}

fn guess() {
  for (var i = TOP_K; i < PICKS; i++) { pick(i, 0u); }
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
  prepare(lane);
  if (lane == 0u) { choose(id.x * TOP_K); }
  if (count.x > 1u) { return; }
  if (GUESS > 0u) {
    next_logits(lane);
    if (lane == 0u) { guess(); }
  }
  tell(lane);
}
