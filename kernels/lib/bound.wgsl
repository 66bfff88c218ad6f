// Slots and pool experts of a layer that are bound: all of them, or those that lie in
// one buffer.
// Must be kept in sync with `boundUniform()` in src/ops/bound_experts.ts.
struct Bound {
  first_slot: u32,
  slot_count: u32,
  first_expert: u32,
  expert_count: u32,
  pool_index: u32,  // the number of the first expert in the pool's buffer
}
@group(0) @binding(12) var<uniform> bound: Bound;
