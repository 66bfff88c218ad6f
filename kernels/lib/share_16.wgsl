// Strips along axis 1 where GROUP is a multiple of 16: every invocation has scales and
// zeros of its own.
// Needs: strip_axis1, fold.
alias Shares = mat4x4f;

fn total_of(sum: f32) -> f32 { return sum; }

fn load_shares(at: u32, packed: u32, k: u32) -> Shares {
  return Shares(
    load_shares4(at, packed, 0u, k),
    load_shares4(at, packed, 4u, k),
    load_shares4(at, packed, 8u, k),
    load_shares4(at, packed, 12u, k),
  );
}

fn load_shares4(at: u32, packed: u32, j: u32, k: u32) -> vec4f {
  if (j / CODES >= UNIT_ROWS) { return vec4f(); }
  return vec4f(
    load_share(at, packed, j, k),
    load_share(at, packed, j + 1u, k),
    load_share(at, packed, j + 2u, k),
    load_share(at, packed, j + 3u, k),
  );
}

fn fold_shares(lane: u32, i: u32, unit: Unit, s: Sums, total: f32) {
  let u = vec4f(s.unit);
  fold(lane, i, Sums(
    fma(s.a, u, -(unit.zeros[0] * total)) * unit.scales[0],
    fma(s.b, u, -(unit.zeros[1] * total)) * unit.scales[1],
    fma(s.c, u, -(unit.zeros[2] * total)) * unit.scales[2],
    fma(s.d, u, -(unit.zeros[3] * total)) * unit.scales[3],
    1.0,
  ));
}
