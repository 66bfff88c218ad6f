// The halves of a tile of matmul_wide.wgsl: neighbours in one matrix.
// Needs: matmul_blocks, y, store4 of matmul_wide.
override ADD: u32;  // 1: add to y, 0: write y

// Which of the blocks of its matrix block `four` of a tile is, and where that starts.
fn block_of(tile: u32, four: u32) -> u32 { return tile * 32u + four; }
fn matrix_of(base: u32, four: u32) -> u32 { return base; }

fn store(row: u32, n: u32, value: f32) {
  if (n >= N) { return; }
  if (ADD == 1u) { y[row + n] += value; } else { y[row + n] = value; }
}

fn store_halves(row: u32, tile: u32, four: u32, a: vec4f, b: vec4f) {
  store4(row, block_of(tile, four), a);
  store4(row, block_of(tile, four + 16u), b);
}
