// The expert in a slot's buffer, for the rank that the host says.
override MATRIX_AT: u32;   // of the matrix in its expert, in words
override X_PER_RANK: u32;  // 1 if x has a row for each rank, 0 if it has one
struct Use { rank: u32, expert: u32, unused0: u32, unused1: u32 }
@group(0) @binding(3) var<uniform> use_of: Use;

fn weights_at(z: u32) -> u32 { return MATRIX_AT; }
fn x_row(z: u32) -> u32 { return use_of.rank * X_PER_RANK; }
fn y_row(z: u32) -> u32 { return use_of.rank; }
