// Units of 4-bit codes: 8 packed rows of 2 output rows each.
// Needs: mac4 of strip.wgsl, its w, Sums of fold.wgsl.
const CODES = 2u;      // output rows in a packed row, the first in the top bits
const UNIT_ROWS = 8u;  // packed rows in a unit

struct Rows {
  a: vec4u, b: vec4u, c: vec4u, d: vec4u, e: vec4u, f: vec4u, g: vec4u, h: vec4u,
}

fn load_rows(row: u32, step: u32) -> Rows {
  return Rows(
    w[row],
    w[row + step],
    w[row + 2u * step],
    w[row + 3u * step],
    w[row + 4u * step],
    w[row + 5u * step],
    w[row + 6u * step],
    w[row + 7u * step],
  );
}

// The upper code of a byte is taken where it stands, 16 times too large: exact in
// floats, and undone at the end.
fn mac_word(acc: vec2f, word: u32, a: vec4f) -> vec2f {
  return vec2f(
    mac4(acc.x, vec4f(unpack4xU8(word & 0xf0f0f0f0u)), a),
    mac4(acc.y, vec4f(unpack4xU8(word & 0x0f0f0f0fu)), a),
  );
}

fn row_sum(row: vec4u, a: mat4x4f, zero: f32) -> vec2f {
  let acc = mac_word(vec2f(0.0), row.x, a[0]);
  let sum = mac_word(mac_word(mac_word(acc, row.y, a[1]), row.z, a[2]), row.w, a[3]);
  return sum * vec2f(1.0 / 16.0, 1.0) - zero;
}

fn row_sums(rows: Rows, a: mat4x4f, zero: f32) -> Sums {
  return Sums(
    vec4f(row_sum(rows.a, a, zero), row_sum(rows.b, a, zero)),
    vec4f(row_sum(rows.c, a, zero), row_sum(rows.d, a, zero)),
    vec4f(row_sum(rows.e, a, zero), row_sum(rows.f, a, zero)),
    vec4f(row_sum(rows.g, a, zero), row_sum(rows.h, a, zero)),
  );
}
