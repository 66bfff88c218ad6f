// Units of 2-bit codes: 4 packed rows of 4 output rows each.
// Needs: fixed, weights_read or weights_fill, Sums of fold.wgsl.
const CODES = 4u;      // output rows in a packed row, the first in the top bits
const UNIT_ROWS = 4u;  // packed rows in a unit

alias Rows = Four;

fn load_rows(row: u32, step: u32) -> Rows { return weights(row, step); }

fn code_sum(row: vec4u, shift: u32, a: Fixed) -> f32 {
  return dot_small((row >> vec4u(shift)) & vec4u(0x03030303u), a);
}

fn row_sum(row: vec4u, a: Fixed) -> vec4f {
  return vec4f(
    code_sum(row, 6u, a),
    code_sum(row, 4u, a),
    code_sum(row, 2u, a),
    code_sum(row, 0u, a),
  );
}

// `zero` is the sum of a[k] zero[k], `sum` of a[k], both in units.
fn row_sums(rows: Rows, a: Fixed, zero: f32, sum: f32) -> Sums {
  return Sums(
    (row_sum(rows.a, a) - zero) * a.unit,
    (row_sum(rows.b, a) - zero) * a.unit,
    (row_sum(rows.c, a) - zero) * a.unit,
    (row_sum(rows.d, a) - zero) * a.unit,
  );
}
