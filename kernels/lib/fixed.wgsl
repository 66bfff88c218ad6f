// 16 numbers as integers of 23 bits with a unit in common: then four products with
// codes and their sum are one instruction for each byte, and exact. The largest of them
// becomes 2^22 - 2^16. Each is off by at most half a unit, 1.2e-7 of the largest:
// about what a rounding of float32 takes off.
// Needs: fixed_bytes.
struct Fixed {
  high: vec4u,    // number = unit (65536 high + 256 middle + low), signed bytes,
  middle: vec4u,  // 4 to a word
  low: vec4u,
  unit: f32,
}

const LARGEST = 4128768.0;  // 2^22 - 2^16: room for what is added to make bytes

// 1.5 2^23 + n has n in its lower bits. With 0x8080 more, a byte without its first bit
// is what it has as a signed one, and what it has too much is in the next byte.
fn integers(v: vec4f, scale: f32) -> vec4u {
  let sum = fma(v, vec4f(scale), vec4f(12582912.0 + 32896.0));
  return bitcast<vec4u>(sum) - vec4u(0x00400000u);
}

fn fixed16(v: mat4x4f) -> Fixed {
  let largest = largest16(v);
  let scale = LARGEST / largest;
  let a = integers(v[0], scale);
  let b = integers(v[1], scale);
  let c = integers(v[2], scale);
  let d = integers(v[3], scale);
  let low_a = lower_halves(a);
  let low_b = lower_halves(b);
  let low_c = lower_halves(c);
  let low_d = lower_halves(d);
  let signs = vec4u(0x80808080u);
  return Fixed(
    vec4u(
      lower_bytes(upper_halves(a)),
      lower_bytes(upper_halves(b)),
      lower_bytes(upper_halves(c)),
      lower_bytes(upper_halves(d)),
    ),
    vec4u(upper_bytes(low_a), upper_bytes(low_b), upper_bytes(low_c), upper_bytes(low_d)) ^ signs,
    vec4u(lower_bytes(low_a), lower_bytes(low_b), lower_bytes(low_c), lower_bytes(low_d)) ^ signs,
    largest / LARGEST,
  );
}

// The sum of the products with bytes from 0 to 31, in units.
fn dot_small(bytes: vec4u, v: Fixed) -> f32 {
  return f32((dot16(bytes, v.high) * 256 + dot16(bytes, v.middle)) * 256 + dot16(bytes, v.low));
}

// The same with bytes that are 2^shift times their value, down to -128.
fn dot_shifted(bytes: vec4u, v: Fixed, shift: u32) -> f32 {
  let upper = dot16(bytes, v.high) * 256 + dot16(bytes, v.middle);
  return f32(upper * i32(256u >> shift) + (dot16(bytes, v.low) >> shift));
}

// The sum of the products with any bytes from 0 to 255, in units. Those are 128 more
// than signed ones; `sum` is the sum of the numbers.
fn dot_bytes(bytes: vec4u, v: Fixed, sum: f32) -> f32 {
  let signed = bytes ^ vec4u(0x80808080u);
  let upper = dot16(signed, v.high) * 256 + dot16(signed, v.middle);
  return f32(upper) * 256.0 + f32(dot16(signed, v.low)) + 128.0 * sum;
}
