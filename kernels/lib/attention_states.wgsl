// Merges states of online softmax over the workgroup, in a fixed order.
// Needs: attention_state.
override STATES: u32;     // states
override STATE_QUADS: u32; // lanes of each
override SUM_QUADS: u32;  // STATES STATE_QUADS

var<workgroup> state_max: array<f32, STATES>;
var<workgroup> state_total: array<f32, STATES>;
var<workgroup> state_sum: array<vec4f, SUM_QUADS>;

fn max_of(i: u32) -> f32 { return state_max[min(i, STATES - 1u)]; }

fn total_of(i: u32) -> f32 {
  return select(0.0, state_total[min(i, STATES - 1u)], i < STATES);
}

fn sum_of(i: u32, quad: u32) -> vec4f {
  return select(vec4f(), state_sum[min(i, STATES - 1u) * STATE_QUADS + quad], i < STATES);
}

// `own` is what this lane has of state `state`: its vec4 `quad` of the sum. Lanes
// of state 0 get the merged state, which the others must not use.
fn merge_states(state: u32, quad: u32, own: State) -> State {
  if (STATES == 1u) { return own; }
  if (quad == 0u && state < STATES) { state_max[state] = own.highest; }
  workgroupBarrier();
  var top = LOWEST;
  for (var i = 0u; i < STATES; i += 8u) {
    let a = max(max(max_of(i), max_of(i + 1u)), max(max_of(i + 2u), max_of(i + 3u)));
    let b = max(max(max_of(i + 4u), max_of(i + 5u)), max(max_of(i + 6u), max_of(i + 7u)));
    top = max(top, max(a, b));
  }
  let weight = exp(own.highest - top);
  if (state < STATES) {
    if (quad == 0u) { state_total[state] = own.total * weight; }
    state_sum[state * STATE_QUADS + quad] = own.sum * weight;
  }
  workgroupBarrier();
  var merged = State(top, 0.0, vec4f());
  if (state > 0u) { return merged; }
  for (var i = 0u; i < STATES; i += 8u) {
    merged.total += ((total_of(i) + total_of(i + 1u)) + (total_of(i + 2u) + total_of(i + 3u))) +
      ((total_of(i + 4u) + total_of(i + 5u)) + (total_of(i + 6u) + total_of(i + 7u)));
    let a = (sum_of(i, quad) + sum_of(i + 1u, quad)) +
      (sum_of(i + 2u, quad) + sum_of(i + 3u, quad));
    let b = (sum_of(i + 4u, quad) + sum_of(i + 5u, quad)) +
      (sum_of(i + 6u, quad) + sum_of(i + 7u, quad));
    merged.sum += a + b;
  }
  return merged;
}
