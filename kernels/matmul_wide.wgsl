// Y (+)= X W^T for many rows of x, as matmul.wgsl: prefill on a GPU.
// One workgroup of 64 for a tile of 64 rows of x and TILE_PACKED packed rows of W
// (at most 64 output rows). While it multiplies 16 inputs out of shared memory, the
// next 16 are on their way to registers; two pairs of tiles take turns, so that a
// step waits at one barrier. Every invocation sums 8 rows of x times 8 outputs.
// Needs: codes_*, group_*, rows_*, reduce_none, matmul_parts.
override N: u32;
override Y_STRIDE: u32;
override ADD: u32;       // 1: add to y, 0: write y

@group(0) @binding(0) var<storage, read> w: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

fn store_one(row: u32, first: u32, output: u32, value: f32) {
  let packed = first + output / CODES;
  let n = packed + output % CODES * P * G;
  if (output / CODES >= TILE_PACKED || packed >= P * G || n >= N) { return; }
  if (ADD == 1u) { y[row + n] += value; } else { y[row + n] = value; }
}

fn store(row: u32, first: u32, output: u32, acc: vec4f) {
  store_one(row, first, output, acc.x);
  store_one(row, first, output + 1u, acc.y);
  store_one(row, first, output + 2u, acc.z);
  store_one(row, first, output + 3u, acc.w);
}

fn store_row(z: u32, i: u32, rows: u32, first: u32, output: u32, a: vec4f, b: vec4f) {
  if (i >= rows) { return; }
  let row = y_row(z, i) * Y_STRIDE;
  store(row, first, output, a);
  store(row, first, output + 4u, b);
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let rows = row_count(id.z);
  let first_row = id.y * 64u;
  if (first_row >= rows) { return; }
  let base = weights_at(id.z);
  let first = id.x * TILE_PACKED;
  let wi = lane % 8u * 2u;  // which 8 outputs of the tile, in fours
  let xi = lane / 8u * 2u;  // which 8 rows of x, in fours
  let x_rows = x_rows_of(lane, id.z, first_row, rows);
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
  store_part(lane, 0u, base, load_part(lane, base, first, x_rows, 0u));
  workgroupBarrier();
  var tile = 0u;
  for (var quad = 0u; quad < QUADS; quad += 4u) {
    let next = load_part(lane, base, first, x_rows, quad + 4u);
    for (var k = 0u; k < 16u; k += 2u) {
      let at = tile + k * 16u;
      let wa0 = w_tile[at + wi];
      let wb0 = w_tile[at + wi + 1u];
      let xa0 = x_tile[at + xi];
      let xb0 = x_tile[at + xi + 1u];
      let wa1 = w_tile[at + 16u + wi];
      let wb1 = w_tile[at + 16u + wi + 1u];
      let xa1 = x_tile[at + 16u + xi];
      let xb1 = x_tile[at + 16u + xi + 1u];
      a0 = fma(vec4f(xa0.x), wa0, a0);
      b0 = fma(vec4f(xa0.x), wb0, b0);
      a1 = fma(vec4f(xa0.y), wa0, a1);
      b1 = fma(vec4f(xa0.y), wb0, b1);
      a2 = fma(vec4f(xa0.z), wa0, a2);
      b2 = fma(vec4f(xa0.z), wb0, b2);
      a3 = fma(vec4f(xa0.w), wa0, a3);
      b3 = fma(vec4f(xa0.w), wb0, b3);
      a4 = fma(vec4f(xb0.x), wa0, a4);
      b4 = fma(vec4f(xb0.x), wb0, b4);
      a5 = fma(vec4f(xb0.y), wa0, a5);
      b5 = fma(vec4f(xb0.y), wb0, b5);
      a6 = fma(vec4f(xb0.z), wa0, a6);
      b6 = fma(vec4f(xb0.z), wb0, b6);
      a7 = fma(vec4f(xb0.w), wa0, a7);
      b7 = fma(vec4f(xb0.w), wb0, b7);
      a0 = fma(vec4f(xa1.x), wa1, a0);
      b0 = fma(vec4f(xa1.x), wb1, b0);
      a1 = fma(vec4f(xa1.y), wa1, a1);
      b1 = fma(vec4f(xa1.y), wb1, b1);
      a2 = fma(vec4f(xa1.z), wa1, a2);
      b2 = fma(vec4f(xa1.z), wb1, b2);
      a3 = fma(vec4f(xa1.w), wa1, a3);
      b3 = fma(vec4f(xa1.w), wb1, b3);
      a4 = fma(vec4f(xb1.x), wa1, a4);
      b4 = fma(vec4f(xb1.x), wb1, b4);
      a5 = fma(vec4f(xb1.y), wa1, a5);
      b5 = fma(vec4f(xb1.y), wb1, b5);
      a6 = fma(vec4f(xb1.z), wa1, a6);
      b6 = fma(vec4f(xb1.z), wb1, b6);
      a7 = fma(vec4f(xb1.w), wa1, a7);
      b7 = fma(vec4f(xb1.w), wb1, b7);
    }
    tile = 256u - tile;
    store_part(lane, tile, base, next);
    workgroupBarrier();
  }
  let i = first_row + xi * 4u;
  let output = wi * 4u;
  store_row(id.z, i, rows, first, output, a0, b0);
  store_row(id.z, i + 1u, rows, first, output, a1, b1);
  store_row(id.z, i + 2u, rows, first, output, a2, b2);
  store_row(id.z, i + 3u, rows, first, output, a3, b3);
  store_row(id.z, i + 4u, rows, first, output, a4, b4);
  store_row(id.z, i + 5u, rows, first, output, a5, b5);
  store_row(id.z, i + 6u, rows, first, output, a6, b6);
  store_row(id.z, i + 7u, rows, first, output, a7, b7);
}
