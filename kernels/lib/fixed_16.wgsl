// As fixed.wgsl with two bytes: integers of 16 bits. Each number is off by at most half a
// unit, 1.6e-5 of the largest of the 16.
// Needs: fixed_bytes.
struct Fixed {
  high: vec4u,  // number = unit (256 high + low), signed bytes, 4 to a word
  low: vec4u,
  unit: f32,
}

// 127 256 + 127 is the last integer of such bytes. The largest number is rounded to it from
// just below the half that would be too much: that makes the unit a little smaller.
const LARGEST = 32639.47;

// 1.5 2^23 + n has n in its lower bits. With 0x80 more, the lower byte without its first
// bit is what it has as a signed one, and what it has too much is in the upper byte.
fn integers(v: vec4f, scale: f32) -> vec4u {
  return bitcast<vec4u>(fma(v, vec4f(scale), vec4f(12582912.0 + 128.0)));
}

fn fixed16(v: mat4x4f) -> Fixed {
  let largest = largest16(v);
  let scale = LARGEST / largest;
  let a = lower_halves(integers(v[0], scale));
  let b = lower_halves(integers(v[1], scale));
  let c = lower_halves(integers(v[2], scale));
  let d = lower_halves(integers(v[3], scale));
  let signs = vec4u(0x80808080u);
  return Fixed(
    vec4u(upper_bytes(a), upper_bytes(b), upper_bytes(c), upper_bytes(d)),
    vec4u(lower_bytes(a), lower_bytes(b), lower_bytes(c), lower_bytes(d)) ^ signs,
    largest / LARGEST,
  );
}

// The sum of the products with bytes from 0 to 31, in units.
fn dot_small(bytes: vec4u, v: Fixed) -> f32 {
  return f32(dot16(bytes, v.high) * 256 + dot16(bytes, v.low));
}

// The same with bytes that are 2^shift times their value, down to -128.
fn dot_shifted(bytes: vec4u, v: Fixed, shift: u32) -> f32 {
  return f32(dot16(bytes, v.high) * i32(256u >> shift) + (dot16(bytes, v.low) >> shift));
}

// The sum of the products with any bytes from 0 to 255, in units. Those are 128 more
// than signed ones; `sum` is the sum of the numbers.
fn dot_bytes(bytes: vec4u, v: Fixed, sum: f32) -> f32 {
  let signed = bytes ^ vec4u(0x80808080u);
  return f32(dot16(signed, v.high) * 256 + dot16(signed, v.low)) + 128.0 * sum;
}
