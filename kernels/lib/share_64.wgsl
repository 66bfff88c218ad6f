// Strips along axis 1 where GROUP is a multiple of 64: four invocations sum their
// products before these are scaled, each those of 4 outputs.
// Needs: strip_axis1, fold; workgroups whose first input is the first of 64.
alias Shares = vec4f;

fn total_of(sum: f32) -> f32 {
  let two = sum + subgroupShuffleXor(sum, 1u);
  return two + subgroupShuffleXor(two, 2u);
}

// Lane and k are the same modulo 4. Lanes without inputs take others' times zero.
fn load_shares(at: u32, packed: u32, k: u32) -> Shares {
  let j = quarter_first(k);
  return vec4f(
    load_share(at, packed, j, k),
    load_share(at, packed, j + 1u, k),
    load_share(at, packed, j + 2u, k),
    load_share(at, packed, j + 3u, k),
  );
}

fn fold_shares(lane: u32, i: u32, unit: Unit, s: Sums, total: f32) {
  fold_quarter(lane, i, fma(-unit.zeros, vec4f(total), quarter(lane, s)) * unit.scales);
}
