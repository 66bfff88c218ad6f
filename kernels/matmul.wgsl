// Y (+)= X W^T for many rows of x: prefill.
//   w  packed rows (P G, K) of codes, groups (G, K) of scale and zero
//   x  (rows, X_STRIDE / 4) vec4f      y (rows, Y_STRIDE) f32
// One workgroup of 128 for a tile of 32 rows of x and TILE_PACKED packed rows of
// W (at most 64 output rows); 16 inputs at a time go through shared memory,
// dequantized; every invocation sums 4 rows of x times 4 outputs in registers.
// Needs: codes_*, group_*, rows_*, reduce_none.
override K: u32;
override N: u32;
override G: u32;         // groups
override P: u32;         // packed rows in a group
override X_STRIDE: u32;
override Y_STRIDE: u32;
override ADD: u32;       // 1: add to y, 0: write y

const WG = 128u;
const TILE_ROWS = 32u;                // rows of x
const TILE_PACKED = 64u / CODES;      // packed rows of W
const TILE_QUADS = 4u;                // inputs, in fours

@group(0) @binding(0) var<storage, read> w: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

var<workgroup> w_tile: array<vec4f, 256>;  // (16 inputs, 16 fours of outputs)
var<workgroup> x_tile: array<vec4f, 128>;  // (16 inputs, 8 fours of rows of x)

// The part of W that this invocation dequantizes.
fn load_w(lane: u32, base: u32, first: u32, quad: u32) {
  let quads = (K + 3u) / 4u;
  for (var at = lane; at < TILE_PACKED * TILE_QUADS; at += WG) {
    let packed = first + at / TILE_QUADS;
    let part = at % TILE_QUADS;
    let k4 = quad + part;
    if (packed < P * G && k4 < quads) {
      let raw = fetch(base + packed * quads * QUAD_WORDS, k4);
      let group = group_at(base, packed % G, k4);
      for (var i = 0u; i < CODES; i++) {
        store_w(at / TILE_QUADS * CODES + i, part, (codes(raw, i) - group.zero) * group.scale);
      }
    } else {
      for (var i = 0u; i < CODES; i++) {
        store_w(at / TILE_QUADS * CODES + i, part, vec4f(0.0));
      }
    }
  }
}

fn store_w(output: u32, part: u32, v: vec4f) {
  let at = part * 64u + output / 4u;
  let c = output % 4u;
  w_tile[at][c] = v.x;
  w_tile[at + 16u][c] = v.y;
  w_tile[at + 32u][c] = v.z;
  w_tile[at + 48u][c] = v.w;
}

fn load_x(lane: u32, z: u32, first: u32, rows: u32, quad: u32) {
  let i = lane / TILE_QUADS;
  let part = lane % TILE_QUADS;
  let k4 = quad + part;
  var v = vec4f(0.0);
  if (first + i < rows && k4 < (K + 3u) / 4u) {
    v = x[x_row(z, first + i) * (X_STRIDE / 4u) + k4];
  }
  let at = part * 32u + i / 4u;
  let c = i % 4u;
  x_tile[at][c] = v.x;
  x_tile[at + 8u][c] = v.y;
  x_tile[at + 16u][c] = v.z;
  x_tile[at + 24u][c] = v.w;
}

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

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let rows = row_count(id.z);
  let first_row = id.y * TILE_ROWS;
  if (first_row >= rows) { return; }
  let base = weights_at(id.z);
  let first = id.x * TILE_PACKED;
  let wi = lane % 16u;  // which 4 outputs of the tile
  let xi = lane / 16u;  // which 4 rows of x
  var acc0 = vec4f();
  var acc1 = vec4f();
  var acc2 = vec4f();
  var acc3 = vec4f();
  for (var quad = 0u; quad < (K + 3u) / 4u; quad += TILE_QUADS) {
    workgroupBarrier();
    load_w(lane, base, first, quad);
    load_x(lane, id.z, first_row, rows, quad);
    workgroupBarrier();
    for (var k = 0u; k < 16u; k += 4u) {
      let w0 = w_tile[k * 16u + wi];
      let x0 = x_tile[k * 8u + xi];
      acc0 += x0.x * w0;
      acc1 += x0.y * w0;
      acc2 += x0.z * w0;
      acc3 += x0.w * w0;
      let w1 = w_tile[k * 16u + 16u + wi];
      let x1 = x_tile[k * 8u + 8u + xi];
      acc0 += x1.x * w1;
      acc1 += x1.y * w1;
      acc2 += x1.z * w1;
      acc3 += x1.w * w1;
      let w2 = w_tile[k * 16u + 32u + wi];
      let x2 = x_tile[k * 8u + 16u + xi];
      acc0 += x2.x * w2;
      acc1 += x2.y * w2;
      acc2 += x2.z * w2;
      acc3 += x2.w * w2;
      let w3 = w_tile[k * 16u + 48u + wi];
      let x3 = x_tile[k * 8u + 24u + xi];
      acc0 += x3.x * w3;
      acc1 += x3.y * w3;
      acc2 += x3.z * w3;
      acc3 += x3.w * w3;
    }
  }
  let i = first_row + xi * 4u;
  store(id.z, i, rows, first, wi * 4u, acc0);
  store(id.z, i + 1u, rows, first, wi * 4u, acc1);
  store(id.z, i + 2u, rows, first, wi * 4u, acc2);
  store(id.z, i + 3u, rows, first, wi * 4u, acc3);
}
