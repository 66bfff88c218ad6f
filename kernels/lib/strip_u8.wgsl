// Units of 8-bit codes: 8 packed rows, which are output rows; half of the sums of
// a unit stay zero.
// Needs: mac4 of strip.wgsl, its w, Sums of fold.wgsl.
const CODES = 1u;      // output rows in a packed row
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

fn row_sum(row: vec4u, a: mat4x4f, zero: f32) -> f32 {
  let codes = bytes16(row);
  let sum = mac4(mac4(0.0, codes[0], a[0]), codes[1], a[1]);
  return mac4(mac4(sum, codes[2], a[2]), codes[3], a[3]) - zero;
}

fn row_sums(rows: Rows, a: mat4x4f, zero: f32) -> Sums {
  return Sums(
    vec4f(row_sum(rows.a, a, zero), row_sum(rows.b, a, zero),
      row_sum(rows.c, a, zero), row_sum(rows.d, a, zero)),
    vec4f(row_sum(rows.e, a, zero), row_sum(rows.f, a, zero),
      row_sum(rows.g, a, zero), row_sum(rows.h, a, zero)),
    vec4f(0.0),
    vec4f(0.0),
  );
}
