// As lib/miss_pool.wgsl, but the first vec4s may have been staged by stage.wgsl.
// Needs: pick_use.
override STAGED_FIRST: u32;  // vec4s of `staged_first`; `staged_rest` goes on

@group(0) @binding(11) var<storage, read> pool: array<vec4u>;
@group(0) @binding(13) var<storage, read> staged_first: array<vec4u>;
@group(0) @binding(14) var<storage, read> staged_rest: array<vec4u>;

fn missing(at: u32) -> vec4u {
  if (at >= staged_end) { return pool[at + pool_shift]; }
  let i = at - slot_at;
  if (i < STAGED_FIRST) { return staged_first[i]; }
  return staged_rest[i - STAGED_FIRST];
}
