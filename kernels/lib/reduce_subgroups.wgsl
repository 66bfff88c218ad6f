// Sums and maxima over a workgroup of several subgroups, in a fixed order: within
// each subgroup first, then over the subgroups through shared memory. Every
// invocation gets the result. Invocation i is in subgroup i / SUBGROUP.
// Needs: override WG.
override SUBGROUP: u32;  // invocations of a subgroup; divides WG

var<workgroup> partial: array<vec4f, 64>;  // 256 invocations in subgroups of 4

fn reduce_sum4(lane: u32, value: vec4f) -> vec4f {
  let part = subgroupAdd(value);
  workgroupBarrier(); // the last reduction may still be read
  if (lane % SUBGROUP == 0u) { partial[lane / SUBGROUP] = part; }
  workgroupBarrier();
  var total = partial[0];
  for (var i = 1u; i < WG / SUBGROUP; i++) { total += partial[i]; }
  return total;
}

fn reduce_sum(lane: u32, value: f32) -> f32 {
  return reduce_sum4(lane, vec4f(value, 0.0, 0.0, 0.0)).x;
}

fn reduce_max(lane: u32, value: f32) -> f32 {
  let part = subgroupMax(value);
  workgroupBarrier();
  if (lane % SUBGROUP == 0u) { partial[lane / SUBGROUP].x = part; }
  workgroupBarrier();
  var highest = partial[0].x;
  for (var i = 1u; i < WG / SUBGROUP; i++) { highest = max(highest, partial[i].x); }
  return highest;
}
