// Strips along axis 1: GROUP inputs of one output row share scale and zero, both float32
// (N, K / GROUP), see group_axis1.wgsl. The 16 inputs of an invocation lie in one group,
// so x becomes integers once for all units, and a row's share is
//   scale (sum of code[k] x[k] - zero (sum of x[k])).
// Needs: strip and what it needs, strip_inputs, share_16 or share_64.
override GROUP: u32;

const HAS_STRIP_EACH = false;  // all matrices have one strip

struct Strip {
  a: Fixed,    // the inputs
  sum: f32,    // theirs, in units
  total: f32,  // of all inputs whose products are scaled together
}

struct Unit { scales: Shares, zeros: Shares, rows: Rows }

fn strip_at(base: u32, residue: u32, inputs: Inputs) -> Strip {
  let a = fixed16(inputs.x);
  let sum = sum_fixed(a);
  let broken = broken_of(magnitude_bits(inputs.x));
  return Strip(a, sum, total_of(sum * a.unit + broken));
}

fn load_unit(base: u32, place: vec2u, k: u32) -> Unit {
  return Unit(
    load_shares(4u * base + SCALE_AT, place.y, k),
    load_shares(4u * base + ZERO_AT, place.y, k),
    load_rows(base, base + place.y * (K / 16u) + k, K / 16u),
  );
}

// Scale or zero of 16 inputs for sum j of the unit from packed row `packed` on; another
// row's for one that is padded.
fn load_share(at: u32, packed: u32, j: u32, k: u32) -> f32 {
  let n = packed + min(j / CODES, UNIT_ROWS - 1u) + j % CODES * P;
  return bitcast<f32>(word(at + min(n, N - 1u) * (K / GROUP) + 16u * k / GROUP));
}

// Folds this invocation's share of the unit's outputs.
fn fold_unit(lane: u32, i: u32, unit: Unit, s: Strip) {
  fold_shares(lane, i, unit, row_sums(unit.rows, s.a, 0.0, s.sum), s.total);
}
