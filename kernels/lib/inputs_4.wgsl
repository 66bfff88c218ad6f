// 4 inputs of a row of x at a time, and what belongs to them in a packed row.
// Needs: codes_*, group_*, x_*, override K.
fn vec_count() -> u32 { return (K + 3u) / 4u; }

// Where a packed row of the matrix at `base` starts.
fn row_at(base: u32, row: u32) -> u32 { return base + row * vec_count() * QUAD_WORDS; }

// The codes of a packed row, times what its members share.
fn mac_row(acc: Acc, row: u32, k: u32, a: vec4f) -> Acc {
  return mac(acc, fetch(row, k), a);
}
