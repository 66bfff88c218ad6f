// Where a missing expert is read: in host memory, over the bus. `at` counts as in the
// slots.
// Needs: pick_use.
@group(0) @binding(11) var<storage, read> pool: array<vec4u>;

fn missing(at: u32) -> vec4u { return pool[at + pool_shift]; }
