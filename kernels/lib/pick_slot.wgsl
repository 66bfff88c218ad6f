// The expert in a slot's buffer, for the rank that the host says. Each rank has an h
// of its own, so that two of them can be computed side by side.
override MATRIX_AT: u32;   // of the matrix in its expert, in words
override Y_PER_RANK: u32;  // 1 if y has a row for each rank, 0 if it has one
struct Use { rank: u32, expert: u32, unused0: u32, unused1: u32 }
@group(0) @binding(3) var<uniform> use_of: Use;

fn pick(z: u32) -> bool { return true; }
fn weights_at(z: u32) -> u32 { return MATRIX_AT; }
fn x_row(z: u32) -> u32 { return 0u; }
fn y_row(z: u32) -> u32 { return use_of.rank * Y_PER_RANK; }
