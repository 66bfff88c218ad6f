// The tiles of matmul_wide.wgsl in shared memory: 16 inputs as rows of 128 outputs of
// W, dequantized, and of 64 rows of x. Both come in blocks of 4 x 4: loaded to
// registers in one go, stored, transposed, when the tiles are free.
// Four outputs of a block of W share their group: they are codes of 1, 2 or 4 packed
// rows of it, or 4, 4 and 2 of 10 codes of one.
// Needs: codes_*, group_*, rows_*, halves_*, w and x, override N.
override K: u32;
override G: u32;         // groups
override P: u32;         // packed rows in a group
override X_STRIDE: u32;
override QUADS: u32;     // ceil(K / 4)

const STEP = 4u;                       // inputs of a step, in fours
const ROWS = select(4u / CODES, 1u, CODES == 10u);  // packed rows of a block
const ROW_BLOCKS = select(1u, 3u, CODES == 10u);    // blocks of a packed row

// Indexed by a constant first: what keeps the second in bounds is then done once.
var<workgroup> w_tile: array<array<vec4f, 32>, 16>;  // (16 inputs, 32 fours of outputs)
var<workgroup> x_tile: array<array<vec4f, 16>, 16>;  // (16 inputs, 16 fours of rows)

// Four inputs of four outputs.
struct Block { a: Raw, b: Raw, c: Raw, d: Raw, group: RawGroup }

// Where a block is: its group, the first of its packed rows there, its first code.
struct Place { g: u32, row: u32, code: u32 }

fn place_of(block: u32) -> Place {
  let rows = block / ROW_BLOCKS;
  return Place(rows % G, rows / G * ROWS, block % ROW_BLOCKS * 4u);
}

// The output row of output c of a block; N if there is none.
fn n_of(block: u32, c: u32) -> u32 {
  let at = place_of(block);
  let row = at.row + c / min(CODES, 4u);
  let code = at.code + c % min(CODES, 4u);
  return select(N, min(at.g + (row + code * P) * G, N), row < P && code < CODES);
}

// Which four outputs or rows, and which four inputs, come from a lane: 8 lanes store
// side by side, 4 of those load what lies side by side.
fn four_of(i: u32) -> u32 { return i % 8u + i / (8u * STEP) * 8u; }
fn quad_of(i: u32) -> u32 { return i / 8u % STEP; }
fn k4_of(i: u32, quad: u32) -> u32 { return min(quad + quad_of(i), QUADS - 1u); }

fn fetch_row(base: u32, at: Place, row: u32, k4: u32) -> Raw {
  // Rows and groups beyond the last are others again, not to be stored.
  let packed = min(at.row + row, P - 1u) * G + at.g;
  return fetch(base + packed * (QUADS * QUAD_WORDS), k4);
}

// Nothing is computed of what is loaded here: that would wait for it.
fn load_block(i: u32, base: u32, at: Place, quad: u32) -> Block {
  var block: Block;
  let k4 = k4_of(i, quad);
  block.a = fetch_row(base, at, 0u, k4);
  if (ROWS > 1u) { block.b = fetch_row(base, at, 1u, k4); }
  if (ROWS > 2u) {
    block.c = fetch_row(base, at, 2u, k4);
    block.d = fetch_row(base, at, 3u, k4);
  }
  block.group = raw_group_at(base, at.g, k4);
  return block;
}

fn raw_of(block: Block, c: u32) -> Raw {
  if (ROWS == 1u || c == 0u || (ROWS == 2u && c == 1u)) { return block.a; }
  if (c == 1u || ROWS == 2u) { return block.b; }
  if (c == 2u) { return block.c; }
  return block.d;
}

// Four inputs of output c, dequantized. What is padded has no group; it is not stored.
fn output4(block: Block, c: u32, group: Group, base: u32, at: Place, k4: u32) -> vec4f {
  let code = min(at.code + c % min(CODES, 4u), CODES - 1u);
  let n = min(at.g + (at.row + c / min(CODES, 4u) + code * P) * G, N - 1u);
  let own = group_of_member(group, base, n, k4);
  return (codes_by_bits(raw_of(block, c), code) - own.zero) * own.scale;
}

fn store_block(i: u32, block: Block, base: u32, at: Place, quad: u32, all: Shared) {
  let group = group_of(block.group, all);
  let k4 = k4_of(i, quad);
  let m = transpose(mat4x4f(
    output4(block, 0u, group, base, at, k4),
    output4(block, 1u, group, base, at, k4),
    output4(block, 2u, group, base, at, k4),
    output4(block, 3u, group, base, at, k4),
  ));
  let to = quad_of(i) * 4u;
  w_tile[to][four_of(i)] = m[0];
  w_tile[to + 1u][four_of(i)] = m[1];
  w_tile[to + 2u][four_of(i)] = m[2];
  w_tile[to + 3u][four_of(i)] = m[3];
}

// Where 4 rows of x start; rows beyond the last are the last again.
fn x_rows_of(i: u32, z: u32, first: u32, rows: u32) -> vec4u {
  let row = min(vec4u(first + four_of(i) * 4u) + vec4u(0u, 1u, 2u, 3u), vec4u(rows - 1u));
  return vec4u(x_row(z, row.x), x_row(z, row.y), x_row(z, row.z), x_row(z, row.w)) *
    (X_STRIDE / 4u);
}

fn load_x(i: u32, rows: vec4u, quad: u32) -> mat4x4f {
  let k4 = k4_of(i, quad);
  return mat4x4f(x[rows.x + k4], x[rows.y + k4], x[rows.z + k4], x[rows.w + k4]);
}

// Inputs beyond the last are zero, so that it does not matter what W has there.
fn store_x(i: u32, v: mat4x4f, quad: u32) {
  var m = transpose(v);
  if (QUADS % STEP != 0u) { m = m * f32(quad + quad_of(i) < QUADS); }
  let to = quad_of(i) * 4u;
  x_tile[to][four_of(i)] = m[0];
  x_tile[to + 1u][four_of(i)] = m[1];
  x_tile[to + 2u][four_of(i)] = m[2];
  x_tile[to + 3u][four_of(i)] = m[3];
}
