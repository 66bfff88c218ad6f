// Y (+)= X W^T for many rows of x: prefill.
//   w  packed rows (P G, K) of codes, groups (G, K) of scale and zero
//   x  (rows, X_STRIDE / 4) vec4f      y (rows, Y_STRIDE) f32
// One workgroup of 32 for a tile of 32 rows of x and TILE_PACKED packed rows of W
// (at most 64 output rows); 16 inputs at a time go through shared memory,
// dequantized; every invocation sums 8 rows of x times 8 outputs in registers.
// Needs: codes_*, group_*, rows_*, reduce_none, matmul_tiles.
override K: u32;
override N: u32;
override G: u32;         // groups
override P: u32;         // packed rows in a group
override X_STRIDE: u32;
override Y_STRIDE: u32;
override ADD: u32;       // 1: add to y, 0: write y

@group(0) @binding(0) var<storage, read> w: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

fn store(z: u32, i: u32, rows: u32, first: u32, output: u32, acc: vec4f) {
  if (i >= rows) { return; }
  let row = y_row(z, i) * Y_STRIDE;
  for (var j = 0u; j < 4u; j++) {
    let packed = first + (output + j) / CODES;
    let n = packed + (output + j) % CODES * P * G;
    if ((output + j) / CODES >= TILE_PACKED || packed >= P * G || n >= N) { continue; }
    if (ADD == 1u) { y[row + n] += acc[j]; } else { y[row + n] = acc[j]; }
  }
}

@compute @workgroup_size(TILE_ROWS)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let rows = row_count(id.z);
  let first_row = id.y * TILE_ROWS;
  if (first_row >= rows) { return; }
  let base = weights_at(id.z);
  let first = id.x * TILE_PACKED;
  let wi = lane % 8u;  // which 8 outputs of the tile
  let xi = lane / 8u;  // which 8 rows of x
  // An expert often has a few rows only: who has none sums nothing.
  let end = select(0u, TILE_QUADS, first_row + xi * 8u < rows);
  var a0 = vec4f();
  var b0 = vec4f();
  var a1 = vec4f();
  var b1 = vec4f();
  var a2 = vec4f();
  var b2 = vec4f();
  var a3 = vec4f();
  var b3 = vec4f();
  var a4 = vec4f();
  var b4 = vec4f();
  var a5 = vec4f();
  var b5 = vec4f();
  var a6 = vec4f();
  var b6 = vec4f();
  var a7 = vec4f();
  var b7 = vec4f();
  for (var quad = 0u; quad < (K + 3u) / 4u; quad += TILE_QUADS) {
    workgroupBarrier();
    load_w(lane, base, first, quad);
    load_x(lane, id.z, first_row, rows, quad);
    workgroupBarrier();
    for (var part = 0u; part < end; part++) {
      let w4 = part * 64u + wi * 8u;
      let wa = mat4x4f(w_tile[w4], w_tile[w4 + 1u], w_tile[w4 + 2u], w_tile[w4 + 3u]);
      let wb = mat4x4f(w_tile[w4 + 4u], w_tile[w4 + 5u], w_tile[w4 + 6u], w_tile[w4 + 7u]);
      let x4 = part * TILE_ROWS + xi * 8u;
      a0 += x_tile[x4 + 0u] * wa;
      b0 += x_tile[x4 + 0u] * wb;
      a1 += x_tile[x4 + 1u] * wa;
      b1 += x_tile[x4 + 1u] * wb;
      a2 += x_tile[x4 + 2u] * wa;
      b2 += x_tile[x4 + 2u] * wb;
      a3 += x_tile[x4 + 3u] * wa;
      b3 += x_tile[x4 + 3u] * wb;
      a4 += x_tile[x4 + 4u] * wa;
      b4 += x_tile[x4 + 4u] * wb;
      a5 += x_tile[x4 + 5u] * wa;
      b5 += x_tile[x4 + 5u] * wb;
      a6 += x_tile[x4 + 6u] * wa;
      b6 += x_tile[x4 + 6u] * wb;
      a7 += x_tile[x4 + 7u] * wa;
      b7 += x_tile[x4 + 7u] * wb;
    }
  }
  let i = first_row + xi * 8u;
  let output = wi * 8u;
  store(id.z, i + 0u, rows, first, output, a0);
  store(id.z, i + 0u, rows, first, output + 4u, b0);
  store(id.z, i + 1u, rows, first, output, a1);
  store(id.z, i + 1u, rows, first, output + 4u, b1);
  store(id.z, i + 2u, rows, first, output, a2);
  store(id.z, i + 2u, rows, first, output + 4u, b2);
  store(id.z, i + 3u, rows, first, output, a3);
  store(id.z, i + 3u, rows, first, output + 4u, b3);
  store(id.z, i + 4u, rows, first, output, a4);
  store(id.z, i + 4u, rows, first, output + 4u, b4);
  store(id.z, i + 5u, rows, first, output, a5);
  store(id.z, i + 5u, rows, first, output + 4u, b5);
  store(id.z, i + 6u, rows, first, output, a6);
  store(id.z, i + 6u, rows, first, output + 4u, b6);
  store(id.z, i + 7u, rows, first, output, a7);
  store(id.z, i + 7u, rows, first, output + 4u, b7);
}
