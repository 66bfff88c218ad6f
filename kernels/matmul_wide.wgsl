// Y (+)= X W^T for many rows of x, as matmul.wgsl: prefill on a GPU.
// One workgroup of 128 for a tile of 64 rows of x and 128 output rows of W, 16 inputs
// at a time. While it multiplies those out of shared memory, the next 16 are on
// their way to registers. Every invocation sums 8 rows of x times 8 outputs, four in
// each half of the tile.
// Needs: codes_*, group_*, rows_*, reduce_none, matmul_blocks, outer, halves_*.
override N: u32;
override Y_STRIDE: u32;

@group(0) @binding(0) var<storage, read> w: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

var<private> aa: mat4x4f;  // (rows 0 to 3, outputs of the first half)
var<private> ab: mat4x4f;
var<private> ba: mat4x4f;  // (rows 4 to 7)
var<private> bb: mat4x4f;

fn multiply(xa: vec4f, xb: vec4f, wa: vec4f, wb: vec4f) {
  aa = outer(aa, wa, xa);
  ab = outer(ab, wb, xa);
  ba = outer(ba, wa, xb);
  bb = outer(bb, wb, xb);
}

fn store4(row: u32, block: u32, v: vec4f) {
  store(row, n_of(block, 0u), v.x);
  store(row, n_of(block, 1u), v.y);
  store(row, n_of(block, 2u), v.z);
  store(row, n_of(block, 3u), v.w);
}

fn store_row(id: vec3u, i: u32, rows: u32, four: u32, a: vec4f, b: vec4f) {
  if (i < rows) { store_halves(y_row(id.z, i) * Y_STRIDE, id.x, four, a, b); }
}

@compute @workgroup_size(128)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let rows = row_count(id.z);
  let first_row = id.y * 64u;
  if (first_row >= rows) { return; }
  // Which 4 outputs of each half, and which 8 rows of x, in fours. Of 16 lanes in a row
  // only 2 and 8 differ, so that shared memory serves them at once.
  let wi = lane / 2u % 8u + lane / 32u % 2u * 8u;
  let wj = wi + 16u;
  let xi = (lane % 2u + lane / 16u % 2u * 2u + lane / 64u * 4u) * 2u;
  let xj = xi + 1u;
  // Rows beyond the last are brought in as well, but 32 lanes without rows wait.
  let is_busy = first_row + lane / 64u * 32u < rows;
  let base = matrix_of(weights_at(id.z), four_of(lane));
  let at = place_of(block_of(id.x, four_of(lane)));
  let all = shared_at(base);
  // All lanes bring in W, half of them x too.
  let brings_x = lane < 64u;
  let x_rows = x_rows_of(lane % 64u, id.z, first_row, rows);
  var block = load_block(lane, base, at, 0u);
  var x_block: mat4x4f;
  if (brings_x) { x_block = load_x(lane, x_rows, 0u); }
  for (var quad = 0u; quad < QUADS; quad += STEP) {
    workgroupBarrier();
    store_block(lane, block, base, at, quad, all);
    if (brings_x) { store_x(lane, x_block, quad); }
    workgroupBarrier();
    block = load_block(lane, base, at, quad + STEP);
    if (brings_x) { x_block = load_x(lane, x_rows, quad + STEP); }
    if (is_busy) {
      multiply(x_tile[0][xi], x_tile[0][xj], w_tile[0][wi], w_tile[0][wj]);
      multiply(x_tile[1][xi], x_tile[1][xj], w_tile[1][wi], w_tile[1][wj]);
      multiply(x_tile[2][xi], x_tile[2][xj], w_tile[2][wi], w_tile[2][wj]);
      multiply(x_tile[3][xi], x_tile[3][xj], w_tile[3][wi], w_tile[3][wj]);
      multiply(x_tile[4][xi], x_tile[4][xj], w_tile[4][wi], w_tile[4][wj]);
      multiply(x_tile[5][xi], x_tile[5][xj], w_tile[5][wi], w_tile[5][wj]);
      multiply(x_tile[6][xi], x_tile[6][xj], w_tile[6][wi], w_tile[6][wj]);
      multiply(x_tile[7][xi], x_tile[7][xj], w_tile[7][wi], w_tile[7][wj]);
      multiply(x_tile[8][xi], x_tile[8][xj], w_tile[8][wi], w_tile[8][wj]);
      multiply(x_tile[9][xi], x_tile[9][xj], w_tile[9][wi], w_tile[9][wj]);
      multiply(x_tile[10][xi], x_tile[10][xj], w_tile[10][wi], w_tile[10][wj]);
      multiply(x_tile[11][xi], x_tile[11][xj], w_tile[11][wi], w_tile[11][wj]);
      multiply(x_tile[12][xi], x_tile[12][xj], w_tile[12][wi], w_tile[12][wj]);
      multiply(x_tile[13][xi], x_tile[13][xj], w_tile[13][wi], w_tile[13][wj]);
      multiply(x_tile[14][xi], x_tile[14][xj], w_tile[14][wi], w_tile[14][wj]);
      multiply(x_tile[15][xi], x_tile[15][xj], w_tile[15][wi], w_tile[15][wj]);
    }
  }
  let row = first_row + xi * 4u;
  store_row(id, row, rows, wi, aa[0], ab[0]);
  store_row(id, row + 1u, rows, wi, aa[1], ab[1]);
  store_row(id, row + 2u, rows, wi, aa[2], ab[2]);
  store_row(id, row + 3u, rows, wi, aa[3], ab[3]);
  store_row(id, row + 4u, rows, wi, ba[0], bb[0]);
  store_row(id, row + 5u, rows, wi, ba[1], bb[1]);
  store_row(id, row + 6u, rows, wi, ba[2], bb[2]);
  store_row(id, row + 7u, rows, wi, ba[3], bb[3]);
}
