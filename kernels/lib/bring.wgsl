// Copies vec4s over the bus: `bring_from(i)` to `bring_to(i)`, for i below `count`.
// Needs: bring_from, bring_to.
const WG = 256u;

fn bring(workgroup: u32, workgroups: u32, lane: u32, count: u32) {
  let stride = workgroups * WG;
  var i = workgroup * WG + lane;
  // Four loads in flight.
  for (; i + 3u * stride < count; i += 4u * stride) {
    let a = bring_from(i);
    let b = bring_from(i + stride);
    let c = bring_from(i + 2u * stride);
    let d = bring_from(i + 3u * stride);
    bring_to(i, a);
    bring_to(i + stride, b);
    bring_to(i + 2u * stride, c);
    bring_to(i + 3u * stride, d);
  }
  for (; i < count; i += stride) { bring_to(i, bring_from(i)); }
}
