// Units of 2-bit codes: 4 packed rows of 4 output rows each.
// Needs: fixed, weights_read or weights_fill, Sums of fold.wgsl.
const CODES = 4u;      // output rows in a packed row, the first in the top bits
const UNIT_ROWS = 4u;  // packed rows in a unit

alias Rows = Four;

fn load_rows(base: u32, row: u32, step: u32) -> Rows { return weights(row, step); }

// Codes stay where they are in their bytes; the top ones, as signed bytes, are 2 less.
fn row_sum(row: vec4u, a: Fixed) -> vec4f {
  let top = (row & vec4u(0xc0c0c0c0u)) ^ vec4u(0x80808080u);
  return vec4f(
    dot_shifted(top, a, 6u),
    dot_shifted(row & vec4u(0x30303030u), a, 4u),
    dot_shifted(row & vec4u(0x0c0c0c0cu), a, 2u),
    dot_small(row & vec4u(0x03030303u), a),
  );
}

// `zero` is the sum of a[k] zero[k], `sum` of a[k], both in units.
fn row_sums(rows: Rows, a: Fixed, zero: f32, sum: f32) -> Sums {
  let zeros = vec4f(zero - 2.0 * sum, zero, zero, zero);
  return Sums(
    row_sum(rows.a, a) - zeros,
    row_sum(rows.b, a) - zeros,
    row_sum(rows.c, a) - zeros,
    row_sum(rows.d, a) - zeros,
    a.unit,
  );
}
