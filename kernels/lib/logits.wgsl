// The logits of a router, and those of the next layer's router for the same inputs.
// Needs: x_*, reduce_*; overrides WG, QUADS, E; gate, next_gate, logits, keys, key_of.
// What inputs give to 8 logits, and to those of the next layer.
struct Share { a: vec4f, b: vec4f, next_a: vec4f, next_b: vec4f, squares: f32 }

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

// Adds inputs i and i + WG, the latter if there are so many: two at a time, so that
// their loads overlap.
fn add_inputs(share: Share, row: u32, e: u32, i: u32, is_guessing: bool) -> Share {
  let j = min(i + WG, QUADS - 1u);
  let keep = f32(i + WG < QUADS);
  let u = input4(row, i);
  let v = input4(row, j) * keep;
  var sum = share;
  sum.squares += square4(row, i) + square4(row, j) * keep;
  sum.a += gate_quad(u, e, i) + gate_quad(v, e, j);
  sum.b += gate_quad(u, e + 4u, i) + gate_quad(v, e + 4u, j);
  if (is_guessing) {
    sum.next_a += next_quad(u, e, i) + next_quad(v, e, j);
    sum.next_b += next_quad(u, e + 4u, i) + next_quad(v, e + 4u, j);
  }
  return sum;
}

// Keeps the logits of all experts, 8 at a time. Returns the scale of the inputs.
fn gate_logits(lane: u32, row: u32, is_guessing: bool) -> f32 {
  var scale = 0.0;
  for (var e = 0u; e < E; e += 8u) {
    var share = Share();
    for (var i = lane; i < QUADS; i += 2u * WG) {
      share = add_inputs(share, row, e, i, is_guessing);
    }
    let sums = reduce_sums(lane, share.a, share.b, share.squares);
    if (e == 0u) { scale = input_scale(sums.c); }
    keep_logit(lane, e, sums.a * scale, sums.b * scale);
    if (is_guessing) {
      // The scale of a norm would not change their order.
      let next = reduce_sums(lane, share.next_a, share.next_b, 0.0);
      keep_next(lane, e, next.a, next.b);
    }
  }
  return scale;
}

// The logit of expert `e + lane`, out of 8 from e on.
fn keep_logit(lane: u32, e: u32, a: vec4f, b: vec4f) {
  if (lane >= 8u || e + lane >= E) { return; }
  let logit = select(a[lane % 4u], b[lane % 4u], lane >= 4u);
  logits[e + lane] = logit;
  keys[e + lane] = key_of(logit);
}

fn keep_next(lane: u32, e: u32, a: vec4f, b: vec4f) {
  if (lane >= 8u || e + lane >= E) { return; }
  keys[E + e + lane] = key_of(select(a[lane % 4u], b[lane % 4u], lane >= 4u));
}
