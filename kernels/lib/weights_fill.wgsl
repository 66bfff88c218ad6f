// Weights of an expert in a slot. One that is missing is read from elsewhere, and what
// was read fills its slot: a product reads every weight.
// Needs: pick_use, miss_*.
struct Four { a: vec4u, b: vec4u, c: vec4u, d: vec4u }

@group(0) @binding(0) var<storage, read_write> slots: array<vec4u>;

fn weight(at: u32) -> vec4u {
  if (!is_missing) { return slots[at]; }
  let v = missing(at);
  slots[at] = v;
  return v;
}

fn word(at: u32) -> u32 {
  if (!is_missing) { return slots[at / 4u][at % 4u]; }
  return weight(at / 4u)[at % 4u];
}

// Four of them, `step` apart: all are asked for before any is waited for.
fn weights(at: u32, step: u32) -> Four {
  let b = at + step;
  let c = at + 2u * step;
  let d = at + 3u * step;
  if (!is_missing) { return Four(slots[at], slots[b], slots[c], slots[d]); }
  let four = Four(missing(at), missing(b), missing(c), missing(d));
  slots[at] = four.a;
  slots[b] = four.b;
  slots[c] = four.c;
  slots[d] = four.d;
  return four;
}
