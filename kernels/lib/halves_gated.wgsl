// The halves of a tile of matmul_wide.wgsl: the same outputs of W1 and W3, of which
// silu(W1 x) * W3 x is stored.
// Needs: matmul_blocks, y, store4 of matmul_wide.
override MATRIX3_AT: u32;  // from W1 to W3, in words

// Which of the blocks of its matrix block `four` of a tile is, and where that starts.
fn block_of(tile: u32, four: u32) -> u32 { return tile * 16u + four % 16u; }
fn matrix_of(base: u32, four: u32) -> u32 { return base + four / 16u * MATRIX3_AT; }

fn store(row: u32, n: u32, value: f32) {
  if (n < N) { y[row + n] = value; }
}

fn store_halves(row: u32, tile: u32, four: u32, a: vec4f, b: vec4f) {
  store4(row, block_of(tile, four), a / (1.0 + exp(-a)) * b);
}
