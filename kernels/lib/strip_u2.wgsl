// Units of 2-bit codes: 4 packed rows of 4 output rows each.
// Needs: mac4 of strip.wgsl, weights_read or weights_fill, Sums of fold.wgsl.
const CODES = 4u;      // output rows in a packed row, the first in the top bits
const UNIT_ROWS = 4u;  // packed rows in a unit

alias Rows = Four;

fn load_rows(row: u32, step: u32) -> Rows { return weights(row, step); }

// The sums of a[k] (1 + code / 4) for the first and third row of a byte, of
// a[k] (1 + code / 16) for the second and fourth, whose codes stand next to them.
fn mac_word(acc: vec4f, word: u32, a: vec4f) -> vec4f {
  let upper = upper_halves(word);
  let lower = lower_halves(word);
  return vec4f(
    mac4(acc.x, one_plus(upper, 0x00600000u), a),
    mac4(acc.y, one_plus(upper, 0x00180000u), a),
    mac4(acc.z, one_plus(lower, 0x00600000u), a),
    mac4(acc.w, one_plus(lower, 0x00180000u), a),
  );
}

fn row_sum(row: vec4u, a: mat4x4f) -> vec4f {
  let acc = mac_word(mac_word(vec4f(0.0), row.x, a[0]), row.y, a[1]);
  return mac_word(mac_word(acc, row.z, a[2]), row.w, a[3]);
}

// `zero` is the sum of a[k] zero[k], `sum` of a[k].
fn row_sums(rows: Rows, a: mat4x4f, zero: f32, sum: f32) -> Sums {
  let unit = vec4f(4.0, 16.0, 4.0, 16.0);
  let off = unit * sum + zero;
  return Sums(
    row_sum(rows.a, a) * unit - off,
    row_sum(rows.b, a) * unit - off,
    row_sum(rows.c, a) * unit - off,
    row_sum(rows.d, a) * unit - off,
  );
}
