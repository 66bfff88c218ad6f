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
  let fours = TILE_ROWS / 4u;
  // An expert often has a few rows only: who has none sums nothing.
  let end = select(0u, 16u, first_row + xi * 8u < rows);
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
    for (var k = 0u; k < end; k += 2u) {
      let wa0 = w_tile[(k + 0u) * 16u + 2u * wi];
      let wb0 = w_tile[(k + 0u) * 16u + 2u * wi + 1u];
      let xa0 = x_tile[(k + 0u) * fours + 2u * xi];
      let xb0 = x_tile[(k + 0u) * fours + 2u * xi + 1u];
      a0 += xa0.x * wa0;
      b0 += xa0.x * wb0;
      a1 += xa0.y * wa0;
      b1 += xa0.y * wb0;
      a2 += xa0.z * wa0;
      b2 += xa0.z * wb0;
      a3 += xa0.w * wa0;
      b3 += xa0.w * wb0;
      a4 += xb0.x * wa0;
      b4 += xb0.x * wb0;
      a5 += xb0.y * wa0;
      b5 += xb0.y * wb0;
      a6 += xb0.z * wa0;
      b6 += xb0.z * wb0;
      a7 += xb0.w * wa0;
      b7 += xb0.w * wb0;
      let wa1 = w_tile[(k + 1u) * 16u + 2u * wi];
      let wb1 = w_tile[(k + 1u) * 16u + 2u * wi + 1u];
      let xa1 = x_tile[(k + 1u) * fours + 2u * xi];
      let xb1 = x_tile[(k + 1u) * fours + 2u * xi + 1u];
      a0 += xa1.x * wa1;
      b0 += xa1.x * wb1;
      a1 += xa1.y * wa1;
      b1 += xa1.y * wb1;
      a2 += xa1.z * wa1;
      b2 += xa1.z * wb1;
      a3 += xa1.w * wa1;
      b3 += xa1.w * wb1;
      a4 += xb1.x * wa1;
      b4 += xb1.x * wb1;
      a5 += xb1.y * wa1;
      b5 += xb1.y * wb1;
      a6 += xb1.z * wa1;
      b6 += xb1.z * wb1;
      a7 += xb1.w * wa1;
      b7 += xb1.w * wb1;
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
