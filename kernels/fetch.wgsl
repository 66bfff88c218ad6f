// slots[...] = missing(...) for the experts of a token that are missing: where products
// cannot fill a slot by what they read (lib/weights_fill.wgsl).
// Needs: bound, pick_use, miss_*, bring.
@group(0) @binding(0) var<storage, read_write> slots: array<vec4u>;

fn bring_from(i: u32) -> vec4u { return missing(slot_at + i); }
fn bring_to(i: u32, v: vec4u) { slots[slot_at + i] = v; }

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  if (!pick(id.z) || !is_missing) { return; }
  bring(id.x, groups.x, lane, EXPERT_WORDS / 4u);
}
