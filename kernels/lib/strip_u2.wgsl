// Units of 2-bit codes: 4 packed rows of 4 output rows each.
// Needs: mac4 of strip.wgsl, its w, Sums of fold.wgsl.
const CODES = 4u;      // output rows in a packed row, the first in the top bits
const UNIT_ROWS = 4u;  // packed rows in a unit

struct Rows { a: vec4u, b: vec4u, c: vec4u, d: vec4u }

fn load_rows(row: u32, step: u32) -> Rows {
  return Rows(w[row], w[row + step], w[row + 2u * step], w[row + 3u * step]);
}

// Codes are taken where they stand in their bytes: 64, 16, 4 and 1 times too
// large, which is exact in floats and undone at the end.
fn mac_word(acc: vec4f, word: u32, a: vec4f) -> vec4f {
  return vec4f(
    mac4(acc.x, vec4f(unpack4xU8(word & 0xc0c0c0c0u)), a),
    mac4(acc.y, vec4f(unpack4xU8(word & 0x30303030u)), a),
    mac4(acc.z, vec4f(unpack4xU8(word & 0x0c0c0c0cu)), a),
    mac4(acc.w, vec4f(unpack4xU8(word & 0x03030303u)), a),
  );
}

fn row_sum(row: vec4u, a: mat4x4f, zero: f32) -> vec4f {
  let acc = mac_word(vec4f(0.0), row.x, a[0]);
  let sum = mac_word(mac_word(mac_word(acc, row.y, a[1]), row.z, a[2]), row.w, a[3]);
  return sum * vec4f(1.0 / 64.0, 1.0 / 16.0, 1.0 / 4.0, 1.0) - zero;
}

fn row_sums(rows: Rows, a: mat4x4f, zero: f32) -> Sums {
  return Sums(
    row_sum(rows.a, a, zero),
    row_sum(rows.b, a, zero),
    row_sum(rows.c, a, zero),
    row_sum(rows.d, a, zero),
  );
}
