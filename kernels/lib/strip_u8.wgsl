// Units of 8-bit codes: 8 packed rows, which are output rows; half of the sums of
// a unit stay zero.
// Needs: strip_rows_8, fixed, Sums of fold.wgsl.
const CODES = 1u;  // output rows in a packed row

fn four_sums(rows: Four, a: Fixed, sum: f32) -> vec4f {
  return vec4f(
    dot_bytes(rows.a, a, sum),
    dot_bytes(rows.b, a, sum),
    dot_bytes(rows.c, a, sum),
    dot_bytes(rows.d, a, sum),
  );
}

// `zero` is the sum of a[k] zero[k], `sum` of a[k], both in units.
fn row_sums(rows: Rows, a: Fixed, zero: f32, sum: f32) -> Sums {
  return Sums(
    four_sums(rows.first, a, sum) - zero,
    four_sums(rows.second, a, sum) - zero,
    vec4f(0.0),
    vec4f(0.0),
    a.unit,
  );
}
