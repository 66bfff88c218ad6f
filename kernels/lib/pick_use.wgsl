// The experts of a token in the slots of their layer, as lib/residency.wgsl chose
// them: those whose slot and whose place in the pool are among the bound ones. A row
// of y for each rank.
// Needs: bound.
override SLOT_WORDS: u32;    // from one slot to the next
override EXPERT_WORDS: u32;  // from one expert of the pool to the next
override MATRIX_AT: u32;     // of the matrix in its expert, in words
override X_PER_RANK: u32;    // 1 if x has a row for each rank, 0 if it has one
@group(0) @binding(3) var<storage, read> uses: array<vec4u>;  // see lib/residency.wgsl

var<private> is_missing: bool;
var<private> pool_shift: u32;  // from a vec4 of a slot to the same one in the pool
var<private> slot_at: u32;     // the slot's first vec4
var<private> staged_end: u32;  // the first that is not staged, if it is missing

fn pick(z: u32) -> bool {
  // Numbers below the first wrap around and are too large.
  let slot = uses[z].y - bound.first_slot;
  let expert = uses[z].z - bound.first_expert;
  is_missing = uses[z].w != 0u;
  slot_at = slot * (SLOT_WORDS / 4u);
  staged_end = slot_at + max(uses[z].w, 1u) - 1u;
  pool_shift = (bound.pool_index + expert) * (EXPERT_WORDS / 4u) - slot_at;
  return slot < bound.slot_count && expert < bound.expert_count;
}

fn weights_at(z: u32) -> u32 { return (uses[z].y - bound.first_slot) * SLOT_WORDS + MATRIX_AT; }
fn x_row(z: u32) -> u32 { return uses[z].x * X_PER_RANK; }
fn y_row(z: u32) -> u32 { return uses[z].x; }
