// The part of the tiles of matmul_wide.wgsl that an invocation brings in: loaded to
// registers in one go, then dequantized into shared memory. A tile is 16 inputs as
// rows of 64 outputs, or of 64 rows of x.
// Needs: codes_*, group_*, rows_*, w and x, override N.
override K: u32;
override G: u32;         // groups
override P: u32;         // packed rows in a group
override X_STRIDE: u32;
override QUADS: u32;     // ceil(K / 4)

const TILE_PACKED = 64u / CODES;               // packed rows of W
const ITEMS = (TILE_PACKED * 4u + 63u) / 64u;  // fours of inputs of these, at most 4

var<workgroup> w_tile: array<vec4f, 512>;  // (2 tiles, 16 inputs, 16 fours of outputs)
var<workgroup> x_tile: array<vec4f, 512>;  // (2 tiles, 16 inputs, 16 fours of rows)

// Four inputs of a packed row.
struct Item { raw: Raw, group: Group, keep: f32, packed: u32, k4: u32 }

struct Part { w0: Item, w1: Item, w2: Item, w3: Item, x: mat4x4f }

// Where the 4 rows of x start that this invocation brings in; rows beyond the last
// are the last again.
fn x_rows_of(lane: u32, z: u32, first: u32, rows: u32) -> vec4u {
  let i = vec4u(first + lane / 4u) + vec4u(0u, 16u, 32u, 48u);
  let last = min(i, vec4u(rows - 1u));
  return vec4u(x_row(z, last.x), x_row(z, last.y), x_row(z, last.z), x_row(z, last.w)) *
    (X_STRIDE / 4u);
}

fn load_item(at: u32, base: u32, first: u32, quad: u32) -> Item {
  let k4 = min(quad + at % 4u, QUADS - 1u);
  let packed = min(first + at / 4u, P * G - 1u);
  let is_in = quad + at % 4u < QUADS && first + at / 4u < P * G && at < TILE_PACKED * 4u;
  return Item(
    fetch(base + packed * QUADS * QUAD_WORDS, k4),
    group_at(base, packed % G, k4),
    f32(is_in),
    packed,
    k4,
  );
}

fn load_part(lane: u32, base: u32, first: u32, x_rows: vec4u, quad: u32) -> Part {
  var part: Part;
  part.w0 = load_item(lane, base, first, quad);
  if (ITEMS > 1u) { part.w1 = load_item(lane + 64u, base, first, quad); }
  if (ITEMS > 2u) {
    part.w2 = load_item(lane + 128u, base, first, quad);
    part.w3 = load_item(lane + 192u, base, first, quad);
  }
  let k4 = min(quad + lane % 4u, QUADS - 1u);
  part.x = mat4x4f(x[x_rows.x + k4], x[x_rows.y + k4], x[x_rows.z + k4], x[x_rows.w + k4]);
  return part;
}

// Loops over what is in registers would put it into memory: they are unrolled.
fn store_code(at: u32, tile: u32, base: u32, item: Item, i: u32) {
  // A padded member has no group; it is not stored.
  let n = min(item.packed + i * P * G, N - 1u);
  let group = group_of_member(item.group, base, n, item.k4);
  let v = (codes(item.raw, i) - group.zero) * (group.scale * item.keep);
  let output = at / 4u * CODES + i;
  let to = tile + at % 4u * 64u + output / 4u;
  let c = output % 4u;
  w_tile[to][c] = v.x;
  w_tile[to + 16u][c] = v.y;
  w_tile[to + 32u][c] = v.z;
  w_tile[to + 48u][c] = v.w;
}

fn store_item(at: u32, tile: u32, base: u32, item: Item) {
  if (at >= TILE_PACKED * 4u) { return; }
  store_code(at, tile, base, item, 0u);
  if (CODES > 1u) { store_code(at, tile, base, item, 1u); }
  if (CODES > 2u) {
    store_code(at, tile, base, item, 2u);
    store_code(at, tile, base, item, 3u);
  }
  for (var i = 4u; i < CODES; i++) { store_code(at, tile, base, item, i); }
}

// Four inputs of a row of x.
fn store_quad(to: u32, c: u32, v: vec4f) {
  x_tile[to][c] = v.x;
  x_tile[to + 16u][c] = v.y;
  x_tile[to + 32u][c] = v.z;
  x_tile[to + 48u][c] = v.w;
}

// Rows i, i + 16, i + 32 and i + 48 of x.
fn store_x(tile: u32, i: u32, part: u32, v: mat4x4f) {
  let to = tile + part * 64u + i / 4u;
  store_quad(to, i % 4u, v[0]);
  store_quad(to + 4u, i % 4u, v[1]);
  store_quad(to + 8u, i % 4u, v[2]);
  store_quad(to + 12u, i % 4u, v[3]);
}

fn store_part(lane: u32, tile: u32, base: u32, part: Part) {
  store_item(lane, tile, base, part.w0);
  if (ITEMS > 1u) { store_item(lane + 64u, tile, base, part.w1); }
  if (ITEMS > 2u) {
    store_item(lane + 128u, tile, base, part.w2);
    store_item(lane + 192u, tile, base, part.w3);
  }
  store_x(tile, lane / 4u, lane % 4u, part.x);
}
