// target[target_at + i] = source[source_at + i]: experts from host memory to a
// slot. A dispatch, not copyBufferToBuffer, since only dispatches overlap with
// compute. Positions and count are in vec4s.
struct Piece { source_at: u32, target_at: u32, count: u32, unused: u32 }

@group(0) @binding(0) var<storage, read> source: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> slot: array<vec4u>;
@group(0) @binding(2) var<uniform> piece: Piece;

const WG = 256u;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let stride = groups.x * WG;
  var i = id.x * WG + lane;
  // Four loads in flight: each crosses the bus.
  for (; i + 3u * stride < piece.count; i += 4u * stride) {
    let a = source[piece.source_at + i];
    let b = source[piece.source_at + i + stride];
    let c = source[piece.source_at + i + 2u * stride];
    let d = source[piece.source_at + i + 3u * stride];
    slot[piece.target_at + i] = a;
    slot[piece.target_at + i + stride] = b;
    slot[piece.target_at + i + 2u * stride] = c;
    slot[piece.target_at + i + 3u * stride] = d;
  }
  for (; i < piece.count; i += stride) {
    slot[piece.target_at + i] = source[piece.source_at + i];
  }
}
