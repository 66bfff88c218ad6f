// 4 inputs at a time: for every number type and any K. inputs_16.wgsl is the same
// 16 at a time.
// Needs: x, codes_*, group_*, override K.
alias Inputs = vec4f;

fn vec_count() -> u32 { return (K + 3u) / 4u; }

// Where a packed row of the matrix at `base` starts, for mac_row.
fn row_at(base: u32, row: u32) -> u32 { return base + row * vec_count() * QUAD_WORDS; }

fn inputs_at(row: u32, k: u32) -> Inputs { return x[row + k]; }

fn group_of(base: u32, g: u32, k: u32) -> Group { return group_at(base, g, k); }

fn times(a: Inputs, b: Inputs) -> Inputs { return a * b; }

fn dot_of(a: Inputs, b: Inputs) -> f32 { return dot(a, b); }

// The codes of a packed row, times what its members share.
fn mac_row(acc: Acc, row: u32, k: u32, a: Inputs) -> Acc {
  return mac(acc, fetch(row, k), a);
}
