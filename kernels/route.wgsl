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
// Needs: logits, x_*, tell_* or residency, reduce_*.
override WG: u32;
override K: u32;
override QUADS: u32;     // STRIDE / 4
override E: u32;
override TOP_K: u32;
override GUESS: u32;
override PICKS: u32 = TOP_K + GUESS;
override KEYS: u32 = 2u * E;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> gate: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> ids: array<u32>;
@group(0) @binding(3) var<storage, read_write> weights: array<f32>;
@group(0) @binding(4) var<storage, read> next_gate: array<vec4f>;

const SIGN = 0x80000000u;

var<workgroup> logits: array<f32, E>;
var<workgroup> keys: array<u32, KEYS>;     // of the logits, then of the next layer's
var<workgroup> picks: array<u32, PICKS>;   // a token's experts, then the guesses
var<workgroup> shares: array<f32, TOP_K>;  // the experts' weights

// Integers in the order of the logits, in which even NaN has a place.
fn key_of(logit: f32) -> u32 {
  let bits = bitcast<u32>(logit);
  if ((bits & ~SIGN) == 0u) { return SIGN; }  // -0 equals 0
  return select(bits | SIGN, ~bits, bits >= SIGN);
}

// How many experts come before this one: higher ones, and equal ones with lower ids.
fn rank_of(first: u32, e: u32) -> u32 {
  let own = keys[first + e];
  var rank = 0u;
  for (var other = 0u; other < E; other += 4u) {
    rank += comes_before(first, other, own, e) + comes_before(first, other + 1u, own, e) +
      comes_before(first, other + 2u, own, e) + comes_before(first, other + 3u, own, e);
  }
  return rank;
}

fn comes_before(first: u32, other: u32, own: u32, e: u32) -> u32 {
  let key = keys[first + min(other, E - 1u)];
  return select(0u, 1u, other < E && (key > own || (key == own && other < e)));
}

fn choose(lane: u32) {
  for (var e = lane; e < E; e += WG) {
    let rank = rank_of(0u, e);
    if (rank < TOP_K) { picks[rank] = e; }
  }
}

fn guess(lane: u32) {
  for (var e = lane; e < E; e += WG) {
    let rank = rank_of(E, e);
    if (rank < GUESS) { picks[TOP_K + rank] = e; }
  }
}

// The chosen experts' ids and weights, and the guesses after them.
fn write_choice(lane: u32, row: u32, is_guessing: bool) {
  let top = logits[picks[0]];
  for (var rank = lane; rank < TOP_K; rank += WG) {
    var total = 0.0;
    for (var i = 0u; i < TOP_K; i++) { total += exp(logits[picks[i]] - top); }
    shares[rank] = exp(logits[picks[rank]] - top) / total;
    weights[row + rank] = shares[rank];
    ids[row + rank] = picks[rank];
  }
  if (!is_guessing) { return; }
  for (var i = TOP_K + lane; i < PICKS; i += WG) { ids[i] = picks[i]; }
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let is_guessing = GUESS > 0u && count.x == 1u;
  let input_row = id.x * QUADS;
  let scale = gate_logits(lane, input_row, is_guessing);
  workgroupBarrier();
  choose(lane);
  if (is_guessing) { guess(lane); }
  prepare(lane);
  for (var i = lane; i < QUADS; i += WG) { keep4(input_row, i, scale); }
  workgroupBarrier();
  write_choice(lane, id.x * TOP_K, is_guessing);
  if (count.x > 1u) { return; }
  tell(lane);
}
