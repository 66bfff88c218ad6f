// target[target_at + i] = source[source_at + i]: experts from host memory to a
// slot. A dispatch, not copyBufferToBuffer, since only dispatches overlap with
// compute. Positions and count are in vec4s.
// Needs: bring.
struct Piece { source_at: u32, target_at: u32, count: u32, unused: u32 }

@group(0) @binding(0) var<storage, read> source: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> slot: array<vec4u>;
@group(0) @binding(2) var<uniform> piece: Piece;

fn bring_from(i: u32) -> vec4u { return source[piece.source_at + i]; }
fn bring_to(i: u32, v: vec4u) { slot[piece.target_at + i] = v; }

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  bring(id.x, groups.x, lane, piece.count);
}
