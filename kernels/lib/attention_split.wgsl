// A workgroup sees one of PARTS parts of what a token sees, and writes a state that
// attention_merge.wgsl merges with the others: (PARTS, HEADS, QUADS + 1) vec4f, the
// sum and then its maximum and total.
// Needs: attention_state, override HEADS, QUADS.
override PARTS: u32;

@group(0) @binding(8) var<storage, read_write> parts: array<vec4f>;

// Where a part of first...end begins and ends; it may be empty.
fn part_of(part: u32, first: u32, end: u32, unit: u32) -> vec2u {
  let length = (end - first + PARTS * unit - 1u) / (PARTS * unit) * unit;
  let start = min(first + part * length, end);
  return vec2u(start, min(start + length, end));
}

// Vec4 `quad` of a head. There is one token.
fn put(token: u32, part: u32, head: u32, quad: u32, state: State) {
  let at = (part * HEADS + head) * (QUADS + 1u);
  parts[at + quad] = state.sum;
  if (quad == 0u) { parts[at + QUADS] = vec4f(state.highest, state.total, 0.0, 0.0); }
}
