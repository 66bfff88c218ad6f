// Expert z and the rows that the router sent to it (group_rows.wgsl). A routed
// row t k + r is rank r of token t.
override EXPERT_WORDS: u32;  // from one expert to the next
override MATRIX_AT: u32;     // of the matrix in its expert, in words
override ROW_LIMIT: u32;     // room for rows in an expert's list
override X_DIVISOR: u32;     // k if x has a row for each token, 1 if for each rank
@group(0) @binding(3) var<storage, read> row_counts: array<u32>;  // (E)
@group(0) @binding(4) var<storage, read> row_lists: array<u32>;   // (E, ROW_LIMIT)

fn weights_at(z: u32) -> u32 { return z * EXPERT_WORDS + MATRIX_AT; }
fn row_count(z: u32) -> u32 { return row_counts[z]; }
fn x_row(z: u32, i: u32) -> u32 { return row_lists[z * ROW_LIMIT + i] / X_DIVISOR; }
fn y_row(z: u32, i: u32) -> u32 { return row_lists[z * ROW_LIMIT + i]; }
