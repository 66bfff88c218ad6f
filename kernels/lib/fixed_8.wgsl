// As fixed.wgsl with one byte: int8 activations. Each number is off by at most half a
// unit, 0.4 % of the largest of the 16; products take a third of the instructions.
// Needs: fixed_bytes.
struct Fixed {
  bytes: vec4u,  // number = unit byte, signed bytes, 4 to a word
  unit: f32,
}

// The largest number is rounded to 127 from just below the half that would be too much:
// that makes the unit a little smaller.
const LARGEST = 127.49;

// 1.5 2^23 + n has n in its lower bits, and n + m in those of the sum with an integer m.
const SHIFT_TO_BITS = 12582912.0;
const BITS = 0x4b400000;

fn integers(v: vec4f, scale: f32) -> vec2u {
  return lower_halves(bitcast<vec4u>(fma(v, vec4f(scale), vec4f(SHIFT_TO_BITS))));
}

fn fixed16(v: mat4x4f) -> Fixed {
  let largest = largest16(v);
  let scale = LARGEST / largest;
  return Fixed(
    vec4u(
      lower_bytes(integers(v[0], scale)),
      lower_bytes(integers(v[1], scale)),
      lower_bytes(integers(v[2], scale)),
      lower_bytes(integers(v[3], scale)),
    ),
    largest / LARGEST,
  );
}

// The sum of the products with signed bytes, exact: it is below 2^22. Becomes a float by
// its bits, since there is a conversion for every four products, and they are slow.
fn dot_signed(bytes: vec4u, v: Fixed) -> f32 {
  return bitcast<f32>(dot16(bytes, v.bytes) + BITS) - SHIFT_TO_BITS;
}

// The sum of the products with bytes from 0 to 31, in units.
fn dot_small(bytes: vec4u, v: Fixed) -> f32 { return dot_signed(bytes, v); }

// The same with bytes that are 2^shift times their value, down to -128.
fn dot_shifted(bytes: vec4u, v: Fixed, shift: u32) -> f32 {
  return dot_signed(bytes, v) * (1.0 / f32(1u << shift));
}

// The sum of the products with any bytes from 0 to 255, in units. Those are 128 more
// than signed ones; `sum` is the sum of the numbers.
fn dot_bytes(bytes: vec4u, v: Fixed, sum: f32) -> f32 {
  return fma(sum, 128.0, dot_signed(bytes ^ vec4u(0x80808080u), v));
}
