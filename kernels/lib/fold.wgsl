// Sums 16 numbers, each times a unit, over the workgroup: over each subgroup by halves, so that an
// exchange never moves what the other lane does not want, then over the subgroups
// through shared memory, in a fixed order.
// Invocation i is in subgroup i / SUBGROUP, of 8, 16, 32 or 64.
// Needs: override WG.
override SUBGROUP: u32;
override FOLDED: u32;  // folds times subgroups of the workgroup times 16

struct Sums { a: vec4f, b: vec4f, c: vec4f, d: vec4f, unit: f32 }

var<workgroup> folded: array<f32, FOLDED>;  // (folds, subgroups, 16)

fn fold(lane: u32, i: u32, s: Sums) { fold_quarter(lane, i, quarter(lane, s)); }

// The sums over four lanes of the four numbers from `quarter_first` on. Which products
// are rounded before they are added is written down (fma): drivers choose otherwise, by
// what else is in a kernel, and sums of an expert would depend on where it is.
fn quarter(lane: u32, s: Sums) -> vec4f {
  let bit1 = (lane & 1u) != 0u;
  let bit2 = (lane & 2u) != 0u;
  let unit = vec4f(s.unit);
  let other_a = subgroupShuffleXor(select(s.c, s.a, bit1) * unit, 1u);
  let other_b = subgroupShuffleXor(select(s.d, s.b, bit1) * unit, 1u);
  let eight_a = fma(select(s.a, s.c, bit1), unit, other_a);
  let eight_b = fma(select(s.b, s.d, bit1), unit, other_b);
  return select(eight_a, eight_b, bit2) + subgroupShuffleXor(select(eight_b, eight_a, bit2), 2u);
}

fn quarter_first(lane: u32) -> u32 { return (lane & 1u) * 8u + (lane & 2u) * 2u; }

// Sums those over the workgroup.
fn fold_quarter(lane: u32, i: u32, four: vec4f) {
  let bit4 = (lane & 4u) != 0u;
  let two = select(four.xy, four.zw, bit4) + subgroupShuffleXor(select(four.zw, four.xy, bit4), 4u);
  let first = quarter_first(lane) + (lane & 4u) / 2u;
  let at = (i * (WG / SUBGROUP) + lane / SUBGROUP) * 16u + first;
  if (SUBGROUP == 8u) {
    folded[at] = two.x;
    folded[at + 1u] = two.y;
    return;
  }
  let bit8 = (lane & 8u) != 0u;
  var one = select(two.x, two.y, bit8) + subgroupShuffleXor(select(two.y, two.x, bit8), 8u);
  if (SUBGROUP > 16u) { one += subgroupShuffleXor(one, 16u); }
  if (SUBGROUP > 32u) { one += subgroupShuffleXor(one, 32u); }
  if (lane % SUBGROUP < 16u) { folded[at + (lane & 8u) / 8u] = one; }
}

// Number `n` of fold `i`, after a barrier.
fn folded_sum(i: u32, n: u32) -> f32 {
  let count = WG / SUBGROUP;
  var total = 0.0;
  for (var j = 0u; j < count; j++) { total += folded[(i * count + j) * 16u + n]; }
  return total;
}
