// Units of 3-bit codes: one packed row of 10 output rows; 6 sums of a unit stay zero.
// Needs: fixed, weights_read or weights_fill, Sums of fold.wgsl.
const CODES = 10u;     // output rows in a packed row, the first in bits 29:27
const UNIT_ROWS = 1u;  // packed rows in a unit

alias Rows = Four;  // a word for an input

// Four times as long as those of other codes.
fn load_rows(base: u32, row: u32, step: u32) -> Rows {
  return weights(base + 4u * (row - base), 1u);
}

// The first bytes of the words of all 16 inputs, or the second, third or fourth ones.
struct Planes { first: vec4u, second: vec4u, third: vec4u, fourth: vec4u }

fn planes_of(rows: Rows) -> Planes {
  let low_a = lower_halves(rows.a);
  let low_b = lower_halves(rows.b);
  let low_c = lower_halves(rows.c);
  let low_d = lower_halves(rows.d);
  let high_a = upper_halves(rows.a);
  let high_b = upper_halves(rows.b);
  let high_c = upper_halves(rows.c);
  let high_d = upper_halves(rows.d);
  return Planes(
    vec4u(lower_bytes(low_a), lower_bytes(low_b), lower_bytes(low_c), lower_bytes(low_d)),
    vec4u(upper_bytes(low_a), upper_bytes(low_b), upper_bytes(low_c), upper_bytes(low_d)),
    vec4u(lower_bytes(high_a), lower_bytes(high_b), lower_bytes(high_c), lower_bytes(high_d)),
    vec4u(upper_bytes(high_a), upper_bytes(high_b), upper_bytes(high_c), upper_bytes(high_d)),
  );
}

// The bits of `mask` in every byte.
fn bits_of(bytes: vec4u, mask: u32) -> vec4u { return bytes & vec4u(mask * 0x01010101u); }

// Codes stay where they are in their bytes, but for two that lie in two bytes each: then
// a byte's upper bits are moved down, and the other's lowest up. The third byte's top
// code, as a signed byte, is 4 less.
// `zero` is the sum of a[k] zero[k], `sum` of a[k], both in units.
fn row_sums(rows: Rows, a: Fixed, zero: f32, sum: f32) -> Sums {
  let planes = planes_of(rows);
  let p = planes.first;
  let q = planes.second;
  let r = planes.third;
  let s = planes.fourth;
  let middle = bits_of(q >> vec4u(7u), 1u) | bits_of(r << vec4u(1u), 6u);
  let lower = bits_of(p >> vec4u(6u), 3u) | bits_of(q << vec4u(2u), 4u);
  let top = bits_of(r, 0xe0u) ^ vec4u(0x80808080u);
  return Sums(
    vec4f(
      dot_shifted(bits_of(s, 0x38u), a, 3u),
      dot_small(bits_of(s, 0x07u), a),
      dot_shifted(top, a, 5u),
      dot_shifted(bits_of(r, 0x1cu), a, 2u),
    ) - vec4f(zero, zero, zero - 4.0 * sum, zero),
    vec4f(
      dot_small(middle, a),
      dot_shifted(bits_of(q, 0x70u), a, 4u),
      dot_shifted(bits_of(q, 0x0eu), a, 1u),
      dot_small(lower, a),
    ) - zero,
    vec4f(
      dot_shifted(bits_of(p, 0x38u), a, 3u) - zero,
      dot_small(bits_of(p, 0x07u), a) - zero,
      0.0,
      0.0,
    ),
    vec4f(0.0),
    a.unit,
  );
}
