// Sums and maxima over a workgroup of several subgroups, in a fixed order: within
// each subgroup first, then over the subgroups through shared memory. Every
// invocation gets the result. Invocation i is in subgroup i / SUBGROUP.
// Needs: override WG.
override SUBGROUP: u32;  // invocations of a subgroup; fewer than WG, and divides it

struct NineSums { a: vec4f, b: vec4f, c: f32 }

var<workgroup> partial: array<vec4f, 192>;  // 3 for each of 256 invocations in subgroups of 4

fn reduce_sum4(lane: u32, value: vec4f) -> vec4f {
  let part = subgroupAdd(value);
  workgroupBarrier(); // the last reduction may still be read
  if (lane % SUBGROUP == 0u) { partial[lane / SUBGROUP] = part; }
  workgroupBarrier();
  var total = vec4f();
  for (var i = 0u; i < WG / SUBGROUP; i += 2u) { total += partial[i] + partial[i + 1u]; }
  return total;
}

fn reduce_sums(lane: u32, a: vec4f, b: vec4f, c: f32) -> NineSums {
  let part = NineSums(subgroupAdd(a), subgroupAdd(b), subgroupAdd(c));
  workgroupBarrier();
  let own = lane / SUBGROUP * 3u;
  if (lane % SUBGROUP == 0u) {
    partial[own] = part.a;
    partial[own + 1u] = part.b;
    partial[own + 2u].x = part.c;
  }
  workgroupBarrier();
  var total = NineSums();
  for (var i = 0u; i < 3u * WG / SUBGROUP; i += 6u) {
    total.a += partial[i] + partial[i + 3u];
    total.b += partial[i + 1u] + partial[i + 4u];
    total.c += partial[i + 2u].x + partial[i + 5u].x;
  }
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
