// sums[w] = sum of the words that workgroup w reads; together they read every
// word of the source once. It is there to be timed: the sums keep the reads from
// being optimized away.
@group(0) @binding(0) var<storage, read> source: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> sums: array<u32>; // (workgroups)

const WG = 256u;
// Must be kept in sync with src/ops/read.ts.
const LANE_VEC4S = 16u;

var<workgroup> total: atomic<u32>;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = id.x * WG * LANE_VEC4S;
  let end = min(first + WG * LANE_VEC4S, arrayLength(&source));
  var sum = vec4u();
  var i = first + lane;
  // Four loads in flight.
  for (; i + 3u * WG < end; i += 4u * WG) {
    let a = source[i];
    let b = source[i + WG];
    let c = source[i + 2u * WG];
    let d = source[i + 3u * WG];
    sum += (a + b) + (c + d);
  }
  for (; i < end; i += WG) {
    sum += source[i];
  }
  atomicAdd(&total, sum.x + sum.y + sum.z + sum.w);
  workgroupBarrier();
  if (lane == 0u) {
    sums[id.x] = atomicLoad(&total);
  }
}
