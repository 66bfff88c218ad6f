// The expert that the router chose at rank z, out of all experts of a layer,
// which lie one after the other; a row of y for each rank.
override EXPERT_WORDS: u32;  // from one expert to the next
override MATRIX_AT: u32;     // of the matrix in its expert, in words
override X_PER_RANK: u32;    // 1 if x has a row for each rank, 0 if it has one
@group(0) @binding(3) var<storage, read> expert_ids: array<u32>;  // (T, k)

fn pick(z: u32) -> bool { return true; }
fn weights_at(z: u32) -> u32 { return expert_ids[z] * EXPERT_WORDS + MATRIX_AT; }
fn x_row(z: u32) -> u32 { return z * X_PER_RANK; }
fn y_row(z: u32) -> u32 { return z; }
