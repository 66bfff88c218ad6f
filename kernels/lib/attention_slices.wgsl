// What attention_wide.wgsl keeps in shared memory, and how it gets there. Places are
// turned by xor, so that the lanes of a subgroup meet in no bank.
// Needs: step.
override QUADS: u32;    // ceil(D / 4), at most 32
override HEADS: u32;
override KV_HEADS: u32;
override RATIO: u32;    // HEADS / KV_HEADS
override TOKENS: u32;   // of a workgroup: 64 / RATIO
override WINDOW: u32;

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k_cache: array<vec4f>;
@group(0) @binding(2) var<storage, read> v_cache: array<vec4f>;

// Two places, each for q and k: (2, 16 elements, 16 fours of rows or positions),
// or for v: (16 positions, 32 vec4s).
var<workgroup> slices: array<vec4f, 1024>;
var<workgroup> p: array<vec4f, 1024>;       // (64 positions, 16 fours of rows)

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

// A vec4 of row or position i becomes 4 scalars, each in the row of its element.
fn store_column(place: u32, i: u32, part: u32, v: vec4f) {
  let at = place + part * 64u + (i / 4u ^ part * 2u);
  slices[at][i % 4u] = v.x;
  slices[at + 16u][i % 4u] = v.y;
  slices[at + 32u][i % 4u] = v.z;
  slices[at + 48u][i % 4u] = v.w;
}

fn store_keys(lane: u32, place: u32, v: mat4x4f) {
  let i = lane / 4u;
  let part = lane % 4u;
  store_column(place, i, part, v[0]);
  store_column(place, i + 32u, part, v[1]);
  store_column(place + 256u, i, part, v[2]);
  store_column(place + 256u, i + 32u, part, v[3]);
}

fn store_values(lane: u32, place: u32, v: mat4x4f) {
  slices[place + lane] = v[0];
  slices[place + lane + 128u] = v[1];
  slices[place + lane + 256u] = v[2];
  slices[place + lane + 384u] = v[3];
}

// Where `p` has four rows at the first of 4 positions; the others follow.
fn p_at(four: u32, j: u32) -> u32 { return j / 4u * 64u + (four ^ j / 4u % 8u); }

// 8 rows x 4 positions.
fn store_scores(ri: u32, pi: u32, s0: mat4x4f, s1: mat4x4f) {
  let t0 = transpose(s0);
  let t1 = transpose(s1);
  let at0 = p_at(ri * 2u, pi * 4u);
  let at1 = p_at(ri * 2u + 1u, pi * 4u);
  p[at0] = t0[0];
  p[at0 + 16u] = t0[1];
  p[at0 + 32u] = t0[2];
  p[at0 + 48u] = t0[3];
  p[at1] = t1[0];
  p[at1 + 16u] = t1[1];
  p[at1 + 32u] = t1[2];
  p[at1 + 48u] = t1[3];
}

// sum[i] + x[i] y, for 4 rows.
fn outer(sum: mat4x4f, x: vec4f, y: vec4f) -> mat4x4f {
  return mat4x4f(
    fma(vec4f(x.x), y, sum[0]),
    fma(vec4f(x.y), y, sum[1]),
    fma(vec4f(x.z), y, sum[2]),
    fma(vec4f(x.w), y, sum[3]),
  );
}

fn shrunk(sum: mat4x4f, by: vec4f) -> mat4x4f {
  return mat4x4f(sum[0] * by.x, sum[1] * by.y, sum[2] * by.z, sum[3] * by.w);
}
