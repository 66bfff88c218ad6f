// The tiles of matmul.wgsl in shared memory: 16 inputs of some rows of W,
// dequantized, and of some rows of x.
// Needs: codes_*, group_*, rows_*, override K, N, G, P, X_STRIDE, x.
const TILE_ROWS = 32u;                // rows of x, an invocation each
const TILE_PACKED = 64u / CODES;      // packed rows of W
const TILE_QUADS = 4u;                // inputs, in fours

// No override sizes an array by an expression here: with functions that use the
// array in another file, naga 29 panics on that.
var<workgroup> w_tile: array<vec4f, 256>;  // (4 fours of inputs, 64 outputs)
var<workgroup> x_tile: array<vec4f, 128>;  // (4 fours of inputs, 32 rows of x)

// The part of W that this invocation dequantizes.
fn load_w(lane: u32, base: u32, first: u32, quad: u32) {
  let quads = (K + 3u) / 4u;
  for (var at = lane; at < TILE_PACKED * TILE_QUADS; at += TILE_ROWS) {
    let packed = first + at / TILE_QUADS;
    let part = at % TILE_QUADS;
    let k4 = quad + part;
    if (packed < P * G && k4 < quads) {
      let raw = fetch(base + packed * quads * QUAD_WORDS, k4);
      let shared_group = group_at(base, packed % G, k4);
      for (var i = 0u; i < CODES; i++) {
        // A padded member has no group; it is not stored.
        let n = min(packed + i * P * G, N - 1u);
        let group = group_of_member(shared_group, base, n, k4);
        w_tile[part * 64u + at / TILE_QUADS * CODES + i] = (codes(raw, i) - group.zero) * group.scale;
      }
    } else {
      for (var i = 0u; i < CODES; i++) {
        w_tile[part * 64u + at / TILE_QUADS * CODES + i] = vec4f(0.0);
      }
    }
  }
}

fn load_x(lane: u32, z: u32, first: u32, rows: u32, quad: u32) {
  for (var at = lane; at < TILE_ROWS * TILE_QUADS; at += TILE_ROWS) {
    let i = at / TILE_QUADS;
    let part = at % TILE_QUADS;
    let k4 = quad + part;
    var v = vec4f(0.0);
    if (first + i < rows && k4 < (K + 3u) / 4u) {
      v = x[x_row(z, first + i) * (X_STRIDE / 4u) + k4];
    }
    x_tile[part * TILE_ROWS + i] = v;
  }
}
