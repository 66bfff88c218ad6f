// What attention_wide.wgsl keeps in shared memory, and how it gets there.
// Needs: step, attention_products.
override QUADS: u32;    // ceil(D / 4), at most 32
override HEADS: u32;
override KV_HEADS: u32;
override RATIO: u32;    // HEADS / KV_HEADS
override TOKENS: u32;   // of a workgroup: 64 / RATIO
override WINDOW: u32;

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k_cache: array<vec4f>;
@group(0) @binding(2) var<storage, read> v_cache: array<vec4f>;

// Two places. For q, and then k: 16 elements, 16 fours of rows or positions each; for
// v: half a head, and then the other: 16 positions, 16 vec4s each.
var<workgroup> slices: array<array<array<array<vec4f, 16>, 16>, 2>, 2>;
// Scores, then their exponentials: 4 slices of 16 positions, 16 fours of rows each.
var<workgroup> p: array<array<array<vec4f, 16>, 16>, 4>;

// The rows of a workgroup, and what they see.
struct Tile { first_token: u32, head: u32, row_count: u32, kv: u32, first: u32, end: u32 }

fn tile_of(kv_head: u32, first_token: u32) -> Tile {
  let token_count = min(TOKENS, step.token_count - first_token);
  let position = step.position + first_token;
  var first = 0u;
  if (WINDOW > 0u && position + 1u > WINDOW) { first = position + 1u - WINDOW; }
  return Tile(
    first_token,
    kv_head * RATIO,
    token_count * RATIO,
    kv_head * QUADS,
    first,                   // seen by the first token
    position + token_count,  // behind what the last one sees
  );
}

// Whether a token sees positions j... of 4: itself, and what came before.
fn sees(position: u32, first: u32) -> vec4<bool> {
  let j = vec4u(first) + vec4u(0u, 1u, 2u, 3u);
  if (WINDOW == 0u) { return j <= vec4u(position); }
  return (j <= vec4u(position)) & (j + vec4u(WINDOW) > vec4u(position));
}

// Vec4 `quad` of a row of q; rows beyond the last are the last again.
fn load_q(tile: Tile, row: u32, quad: u32) -> vec4f {
  let i = min(row, tile.row_count - 1u);
  let token = tile.first_token + i / RATIO;
  let at = (token * HEADS + tile.head + i % RATIO) * QUADS;
  return select(vec4f(), q[at + min(quad, QUADS - 1u)], quad < QUADS);
}

// Positions beyond the last are the last again: nobody sees them.
fn row_at(tile: Tile, j: u32) -> u32 {
  return min(j, tile.end - 1u) * (KV_HEADS * QUADS) + tile.kv;
}

fn load_k(tile: Tile, j: u32, quad: u32) -> vec4f {
  let k = k_cache[row_at(tile, j) + min(quad, QUADS - 1u)];
  return select(vec4f(), k, quad < QUADS);
}

// Vec4s quad... of 4 of two rows and of two positions.
fn load_keys(lane: u32, tile: Tile, start: u32, quad: u32) -> mat4x4f {
  let i = lane / 4u;
  let part = quad + lane % 4u;
  return mat4x4f(
    load_q(tile, i, part),
    load_q(tile, i + 32u, part),
    load_k(tile, start + i, part),
    load_k(tile, start + i + 32u, part),
  );
}

// One vec4 of positions start, start + 4, start + 8 and start + 12.
fn load_values(lane: u32, tile: Tile, start: u32) -> mat4x4f {
  let j = start + lane / 32u;
  let quad = min(lane % 32u, QUADS - 1u);
  return mat4x4f(
    v_cache[row_at(tile, j) + quad],
    v_cache[row_at(tile, j + 4u) + quad],
    v_cache[row_at(tile, j + 8u) + quad],
    v_cache[row_at(tile, j + 12u) + quad],
  );
}

// Where the elements of part `part` have a four of rows: the lanes of a subgroup are to
// meet in no bank.
fn turned(four: u32, part: u32) -> u32 { return four ^ (part * 2u); }

// A vec4 of row or position i becomes 4 scalars, each with those of its element.
fn store_column(side: u32, which: u32, i: u32, part: u32, v: vec4f) {
  let four = turned(i / 4u, part);
  slices[side][which][part * 4u][four][i % 4u] = v.x;
  slices[side][which][part * 4u + 1u][four][i % 4u] = v.y;
  slices[side][which][part * 4u + 2u][four][i % 4u] = v.z;
  slices[side][which][part * 4u + 3u][four][i % 4u] = v.w;
}

fn store_keys(lane: u32, side: u32, v: mat4x4f) {
  let i = lane / 4u;
  let part = lane % 4u;
  store_column(side, 0u, i, part, v[0]);
  store_column(side, 0u, i + 32u, part, v[1]);
  store_column(side, 1u, i, part, v[2]);
  store_column(side, 1u, i + 32u, part, v[3]);
}

fn store_values(lane: u32, side: u32, v: mat4x4f) {
  let j = lane / 32u;
  let half = lane % 32u / 16u;
  slices[side][half][j][lane % 16u] = v[0];
  slices[side][half][j + 4u][lane % 16u] = v[1];
  slices[side][half][j + 8u][lane % 16u] = v[2];
  slices[side][half][j + 12u][lane % 16u] = v[3];
}

// Where positions j... of 4 of a slice have a four of rows.
fn p_turned(four: u32, slice: u32, j: u32) -> u32 {
  return four ^ (slice % 2u * 4u + j / 4u);
}

// Writes a square of scores: 8 rows x 4 positions.
fn store_scores(ri: u32, pi: u32, s: Square) {
  let slice = pi / 4u;
  let j = pi % 4u * 4u;
  let top = p_turned(ri * 2u, slice, j);
  let bottom = p_turned(ri * 2u + 1u, slice, j);
  let t = transpose(s.top);
  let b = transpose(s.bottom);
  p[slice][j][top] = t[0];
  p[slice][j + 1u][top] = t[1];
  p[slice][j + 2u][top] = t[2];
  p[slice][j + 3u][top] = t[3];
  p[slice][j][bottom] = b[0];
  p[slice][j + 1u][bottom] = b[1];
  p[slice][j + 2u][bottom] = b[2];
  p[slice][j + 3u][bottom] = b[3];
}
