// The expert in a slot's buffer, and the rows that the router sent to it
// (group_rows.wgsl); the host says which expert it is.
override MATRIX_AT: u32;   // of the matrix in its expert, in words
override ROW_LIMIT: u32;   // room for rows in an expert's list
override X_DIVISOR: u32;   // k if x has a row for each token, 1 if for each rank
struct Use { rank: u32, expert: u32, unused0: u32, unused1: u32 }
@group(0) @binding(3) var<storage, read> row_counts: array<u32>;  // (E)
@group(0) @binding(4) var<storage, read> row_lists: array<u32>;   // (E, ROW_LIMIT)
@group(0) @binding(5) var<uniform> use_of: Use;

fn weights_at(z: u32) -> u32 { return MATRIX_AT; }
fn row_count(z: u32) -> u32 { return row_counts[use_of.expert]; }
fn x_row(z: u32, i: u32) -> u32 { return row_lists[use_of.expert * ROW_LIMIT + i] / X_DIVISOR; }
fn y_row(z: u32, i: u32) -> u32 { return row_lists[use_of.expert * ROW_LIMIT + i]; }
