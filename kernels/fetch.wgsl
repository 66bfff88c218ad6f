// slots[...] = missing(...) for the experts of a token that are missing: where products
// cannot fill a slot by what they read (lib/weights_fill.wgsl).
// Needs: pick_use, miss_*.
@group(0) @binding(0) var<storage, read_write> slots: array<vec4u>;

const WG = 256u;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  if (!pick(id.z) || !is_missing) { return; }
  let first = weights_at(id.z) / 4u;
  let stride = groups.x * WG;
  let end = EXPERT_WORDS / 4u;
  var i = id.x * WG + lane;
  // Four loads in flight: each crosses the bus.
  for (; i + 3u * stride < end; i += 4u * stride) {
    let at = first + i;
    let a = missing(at);
    let b = missing(at + stride);
    let c = missing(at + 2u * stride);
    let d = missing(at + 3u * stride);
    slots[at] = a;
    slots[at + stride] = b;
    slots[at + 2u * stride] = c;
    slots[at + 3u * stride] = d;
  }
  for (; i < end; i += stride) { slots[first + i] = missing(first + i); }
}
