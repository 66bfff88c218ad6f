// Units of 4-bit codes: 8 packed rows of 2 output rows each.
// Needs: strip_rows_8, mac4 of strip.wgsl, Sums of fold.wgsl.
const CODES = 2u;  // output rows in a packed row, the first in the top bits

// The sums of a[k] (1 + code / 16) for the two rows of a byte.
fn mac_word(acc: vec2f, word: u32, a: vec4f) -> vec2f {
  return vec2f(
    mac4(acc.x, one_plus(upper_halves(word), 0x00780000u), a),
    mac4(acc.y, one_plus(lower_halves(word), 0x00780000u), a),
  );
}

fn row_sum(row: vec4u, a: mat4x4f) -> vec2f {
  let acc = mac_word(mac_word(vec2f(0.0), row.x, a[0]), row.y, a[1]);
  return mac_word(mac_word(acc, row.z, a[2]), row.w, a[3]);
}

// `zero` is the sum of a[k] zero[k], `sum` of a[k].
fn row_sums(rows: Rows, a: mat4x4f, zero: f32, sum: f32) -> Sums {
  let off = vec4f(16.0 * sum + zero);
  return Sums(
    vec4f(row_sum(rows.first.a, a), row_sum(rows.first.b, a)) * 16.0 - off,
    vec4f(row_sum(rows.first.c, a), row_sum(rows.first.d, a)) * 16.0 - off,
    vec4f(row_sum(rows.second.a, a), row_sum(rows.second.b, a)) * 16.0 - off,
    vec4f(row_sum(rows.second.c, a), row_sum(rows.second.d, a)) * 16.0 - off,
  );
}
