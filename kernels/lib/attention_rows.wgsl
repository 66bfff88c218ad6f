// What attention_wide.wgsl does with whole rows: their softmax, and writing them.
// Needs: attention_state, attention_slices.
override D: u32;
override Y_STRIDE: u32;

@group(0) @binding(3) var<storage, read_write> y: array<f32>;

// The softmax of scores in `p`, 32 positions of a row an invocation. What both halves
// of a row need of each other passes through `slices`, at `free`. Returns the row's
// maximum, and adds to this half's total.
fn soften(lane: u32, start: u32, free: u32, position: u32, before: State) -> State {
  let row = lane % 64u;
  let first = lane / 64u * 32u;
  let scale = inverseSqrt(f32(D));
  var highest = before.highest;
  for (var j = first; j < first + 32u; j += 4u) {
    let at = p_at(row / 4u, j);
    let is_seen = sees(position, start + j);
    let s = vec4f(
      p[at][row % 4u],
      p[at + 16u][row % 4u],
      p[at + 32u][row % 4u],
      p[at + 48u][row % 4u],
    );
    let seen = select(vec4f(LOWEST), s * scale, is_seen);
    highest = max(highest, max(max(seen.x, seen.y), max(seen.z, seen.w)));
  }
  slices[free + row][lane / 64u] = highest;
  workgroupBarrier();
  highest = max(highest, slices[free + row][1u - lane / 64u]);
  var total = vec4f();
  for (var j = first; j < first + 32u; j += 4u) {
    let at = p_at(row / 4u, j);
    let is_seen = sees(position, start + j);
    let s = vec4f(
      p[at][row % 4u],
      p[at + 16u][row % 4u],
      p[at + 32u][row % 4u],
      p[at + 48u][row % 4u],
    );
    let e = select(vec4f(), exp(s * scale - highest), is_seen);
    p[at][row % 4u] = e.x;
    p[at + 16u][row % 4u] = e.y;
    p[at + 32u][row % 4u] = e.z;
    p[at + 48u][row % 4u] = e.w;
    total += e;
  }
  let shrink = exp(before.highest - highest);
  if (lane < 64u) { slices[free + 64u + row / 4u][row % 4u] = shrink; }
  let sum = (total.x + total.y) + (total.z + total.w);
  return State(highest, before.total * shrink + sum, vec4f());
}

fn store(at: u32, quad: u32, value: vec4f) {
  for (var c = 0u; c < 4u; c++) {
    if (quad * 4u + c < D) { y[at + quad * 4u + c] = value[c]; }
  }
}

// Rows i... of 4, vec4s `quad` and `quad + 16`.
fn store_rows(tile: Tile, i: u32, quad: u32, a: mat4x4f, b: mat4x4f) {
  for (var r = 0u; r < 4u; r++) {
    let row = i + r;
    if (row >= tile.row_count) { return; }
    let at = (tile.first_token + row / RATIO) * Y_STRIDE + (tile.head + row % RATIO) * D;
    let total = slices[row].x + slices[row].y;
    if (quad < QUADS) { store(at, quad, a[r] / total); }
    if (quad + 16u < QUADS) { store(at, quad + 16u, b[r] / total); }
  }
}
