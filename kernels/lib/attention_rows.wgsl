// What attention_wide.wgsl does with whole rows: their softmax, and writing them.
// Needs: attention_state, attention_slices, attention_products.
override D: u32;
override Y_STRIDE: u32;

@group(0) @binding(3) var<storage, read_write> y: array<f32>;

// q k of a row at positions j... of 4 of a slice: scores, but for their scale.
fn products_at(row: u32, slice: u32, j: u32) -> vec4f {
  let four = p_turned(row / 4u, slice, j);
  let c = row % 4u;
  return vec4f(
    p[slice][j][four][c],
    p[slice][j + 1u][four][c],
    p[slice][j + 2u][four][c],
    p[slice][j + 3u][four][c],
  );
}

fn store_weights(row: u32, slice: u32, j: u32, e: vec4f) {
  let four = p_turned(row / 4u, slice, j);
  let c = row % 4u;
  p[slice][j][four][c] = e.x;
  p[slice][j + 1u][four][c] = e.y;
  p[slice][j + 2u][four][c] = e.z;
  p[slice][j + 3u][four][c] = e.w;
}

// The softmax of the scores in `p`: every invocation takes two slices of a row. What
// both halves of a row need of each other passes through `slices[free]`. Returns the
// row's maximum, and adds to this half's total. Differences are taken before they are
// scaled: a GPU may fuse `scale * product - highest`, and the rounding that the
// maximum had and the score then has not is e^100000 where scores are huge.
fn soften(lane: u32, start: u32, free: u32, position: u32, before: State) -> State {
  let row = lane % 64u;
  let four = row / 4u;
  let half = lane / 64u;
  let scale = inverseSqrt(f32(D));
  var highest = before.highest;
  for (var i = half * 8u; i < half * 8u + 8u; i++) {
    let is_seen = sees(position, start + i * 4u);
    let s = select(vec4f(LOWEST), products_at(row, i / 4u, i % 4u * 4u), is_seen);
    highest = max(highest, max(max(s.x, s.y), max(s.z, s.w)));
  }
  slices[free][0][half][four][row % 4u] = highest;
  workgroupBarrier();
  highest = max(highest, slices[free][0][1u - half][four][row % 4u]);
  var total = vec4f();
  for (var i = half * 8u; i < half * 8u + 8u; i++) {
    let is_seen = sees(position, start + i * 4u);
    let s = products_at(row, i / 4u, i % 4u * 4u);
    let e = select(vec4f(), exp((s - highest) * scale), is_seen);
    store_weights(row, i / 4u, i % 4u * 4u, e);
    total += e;
  }
  let shrink = exp((before.highest - highest) * scale);
  if (half == 0u) { slices[free][0][2][four][row % 4u] = shrink; }
  let sum = (total.x + total.y) + (total.z + total.w);
  return State(highest, before.total * shrink + sum, vec4f());
}

fn store(at: u32, quad: u32, value: vec4f) {
  for (var c = 0u; c < 4u; c++) {
    if (quad * 4u + c < D) { y[at + quad * 4u + c] = value[c]; }
  }
}

fn store_row(tile: Tile, row: u32, quad: u32, a: vec4f, b: vec4f) {
  if (row >= tile.row_count) { return; }
  let at = (tile.first_token + row / RATIO) * Y_STRIDE + (tile.head + row % RATIO) * D;
  let total = slices[0][0][0][row / 4u][row % 4u] + slices[0][0][1][row / 4u][row % 4u];
  if (quad < QUADS) { store(at, quad, a / total); }
  if (quad + 16u < QUADS) { store(at, quad + 16u, b / total); }
}

// Rows i... of 4, vec4s `quad` and `quad + 16`.
fn store_rows(tile: Tile, i: u32, quad: u32, a: mat4x4f, b: mat4x4f) {
  store_row(tile, i, quad, a[0], b[0]);
  store_row(tile, i + 1u, quad, a[1], b[1]);
  store_row(tile, i + 2u, quad, a[2], b[2]);
  store_row(tile, i + 3u, quad, a[3], b[3]);
}
