// Units of 8-bit codes: 8 packed rows, which are output rows; half of the sums of
// a unit stay zero.
// Needs: strip_rows_8, mac4 of strip.wgsl, Sums of fold.wgsl.
const CODES = 1u;  // output rows in a packed row

// The sum of a[k] (1 + code / 256).
fn row_sum(row: vec4u, a: mat4x4f) -> f32 {
  let acc = mac4(
    mac4(0.0, one_plus(upper_halves(row.x), 0x007f8000u), a[0]),
    one_plus(upper_halves(row.y), 0x007f8000u), a[1],
  );
  return mac4(
    mac4(acc, one_plus(upper_halves(row.z), 0x007f8000u), a[2]),
    one_plus(upper_halves(row.w), 0x007f8000u), a[3],
  );
}

// `zero` is the sum of a[k] zero[k], `sum` of a[k].
fn row_sums(rows: Rows, a: mat4x4f, zero: f32, sum: f32) -> Sums {
  let off = vec4f(256.0 * sum + zero);
  return Sums(
    vec4f(row_sum(rows.first.a, a), row_sum(rows.first.b, a), row_sum(rows.first.c, a), row_sum(rows.first.d, a)) *
      256.0 - off,
    vec4f(row_sum(rows.second.a, a), row_sum(rows.second.b, a), row_sum(rows.second.c, a), row_sum(rows.second.d, a)) *
      256.0 - off,
    vec4f(0.0),
    vec4f(0.0),
  );
}
