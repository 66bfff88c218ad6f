// Units of 4-bit codes: 8 packed rows of 2 output rows each.
// Needs: strip_rows_8, fixed, Sums of fold.wgsl.
const CODES = 2u;  // output rows in a packed row, the first in the top bits

// Codes stay where they are in their bytes; the upper ones, as signed bytes, are 8 less.
fn row_sum(row: vec4u, a: Fixed) -> vec2f {
  let upper = (row & vec4u(0xf0f0f0f0u)) ^ vec4u(0x80808080u);
  return vec2f(dot_shifted(upper, a, 4u), dot_small(row & vec4u(0x0f0f0f0fu), a));
}

// `zero` is the sum of a[k] zero[k], `sum` of a[k], both in units.
fn row_sums(rows: Rows, a: Fixed, zero: f32, sum: f32) -> Sums {
  let zeros = vec4f(zero - 8.0 * sum, zero, zero - 8.0 * sum, zero);
  let first = rows.first;
  let second = rows.second;
  return Sums(
    vec4f(row_sum(first.a, a), row_sum(first.b, a)) - zeros,
    vec4f(row_sum(first.c, a), row_sum(first.d, a)) - zeros,
    vec4f(row_sum(second.a, a), row_sum(second.b, a)) - zeros,
    vec4f(row_sum(second.c, a), row_sum(second.d, a)) - zeros,
    a.unit,
  );
}
