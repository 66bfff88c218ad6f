// A workgroup sees all that a token sees, and writes y.
// Needs: attention_state, override D.
override Y_STRIDE: u32;

@group(0) @binding(3) var<storage, read_write> y: array<f32>;

fn part_of(part: u32, first: u32, end: u32, unit: u32) -> vec2u { return vec2u(first, end); }

// Vec4 `quad` of a head.
fn put(token: u32, part: u32, head: u32, quad: u32, state: State) {
  let out = state.sum / state.total;
  for (var c = 0u; c < 4u; c++) {
    if (quad * 4u + c < D) { y[token * Y_STRIDE + head * D + quad * 4u + c] = out[c]; }
  }
}
