// Units of 4-bit codes: 8 packed rows of 2 output rows each.
// Needs: strip_rows_8, fixed, Sums of fold.wgsl.
const CODES = 2u;  // output rows in a packed row, the first in the top bits

fn row_sum(row: vec4u, a: Fixed) -> vec2f {
  let mask = vec4u(0x0f0f0f0fu);
  return vec2f(dot_small((row >> vec4u(4u)) & mask, a), dot_small(row & mask, a));
}

// `zero` is the sum of a[k] zero[k], `sum` of a[k], both in units.
fn row_sums(rows: Rows, a: Fixed, zero: f32, sum: f32) -> Sums {
  let first = rows.first;
  let second = rows.second;
  return Sums(
    (vec4f(row_sum(first.a, a), row_sum(first.b, a)) - zero) * a.unit,
    (vec4f(row_sum(first.c, a), row_sum(first.d, a)) - zero) * a.unit,
    (vec4f(row_sum(second.a, a), row_sum(second.b, a)) - zero) * a.unit,
    (vec4f(row_sum(second.c, a), row_sum(second.d, a)) - zero) * a.unit,
  );
}
