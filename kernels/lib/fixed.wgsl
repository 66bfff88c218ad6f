// 16 numbers as integers of 23 bits with a unit in common, so that four products with
// codes are one instruction for each byte and their sums are exact. The largest
// becomes 2^22 - 2^16: each is off by at most half a unit, 1.2e-7 of the largest, which
// is what a rounding of float32 may take off.
struct Fixed {
  high: vec4u,  // number = unit (65536 high + 256 middle + low), signed bytes,
  middle: vec4u,   // 4 to a word
  low: vec4u,
  unit: f32,
}

const LARGEST = 4128768.0;  // 2^22 - 2^16

// The lower halves of two numbers to a word: 0 and 2, 1 and 3.
fn lower_halves(v: vec4u) -> vec2u {
  return vec2u((v.x & 0xffffu) | (v.z << 16u), (v.y & 0xffffu) | (v.w << 16u));
}

fn upper_halves(v: vec4u) -> vec2u {
  return vec2u((v.x >> 16u) | (v.z & 0xffff0000u), (v.y >> 16u) | (v.w & 0xffff0000u));
}

fn even_bytes(v: vec2u) -> u32 { return (v.x & 0x00ff00ffu) | ((v.y << 8u) & 0xff00ff00u); }
fn odd_bytes(v: vec2u) -> u32 { return ((v.x >> 8u) & 0x00ff00ffu) | (v.y & 0xff00ff00u); }

fn integers(v: vec4f, scale: f32) -> vec4u {
  // 1.5 2^23 + n has n in its lower bits. 0x8080 more makes signed bytes of those that
  // are carried from.
  return bitcast<vec4u>(fma(v, vec4f(scale), vec4f(12582912.0 + 32896.0))) - vec4u(0x00400000u);
}

fn fixed16(v: mat4x4f) -> Fixed {
  let m = max(max(abs(v[0]), abs(v[1])), max(abs(v[2]), abs(v[3])));
  let largest = max(max(max(m.x, m.y), max(m.z, m.w)), 1.0e-30);
  let scale = LARGEST / largest;
  let a = integers(v[0], scale);
  let b = integers(v[1], scale);
  let c = integers(v[2], scale);
  let d = integers(v[3], scale);
  let la = lower_halves(a);
  let lb = lower_halves(b);
  let lc = lower_halves(c);
  let ld = lower_halves(d);
  let signs = vec4u(0x80808080u);
  return Fixed(
    vec4u(
      even_bytes(upper_halves(a)), even_bytes(upper_halves(b)),
      even_bytes(upper_halves(c)), even_bytes(upper_halves(d)),
    ),
    vec4u(odd_bytes(la), odd_bytes(lb), odd_bytes(lc), odd_bytes(ld)) ^ signs,
    vec4u(even_bytes(la), even_bytes(lb), even_bytes(lc), even_bytes(ld)) ^ signs,
    largest / LARGEST,
  );
}

fn dot16(bytes: vec4u, v: vec4u) -> i32 {
  return (dot4I8Packed(bytes.x, v.x) + dot4I8Packed(bytes.y, v.y)) +
    (dot4I8Packed(bytes.z, v.z) + dot4I8Packed(bytes.w, v.w));
}

// The products with signed bytes up to 31, summed: in units, exact before it becomes a float.
fn dot_small(bytes: vec4u, v: Fixed) -> f32 {
  return f32((dot16(bytes, v.high) * 256 + dot16(bytes, v.middle)) * 256 + dot16(bytes, v.low));
}

// The products with signed bytes, summed: in units.
fn dot_fixed(bytes: vec4u, v: Fixed) -> f32 {
  return f32(dot16(bytes, v.high) * 256 + dot16(bytes, v.middle)) * 256.0 +
    f32(dot16(bytes, v.low));
}

fn sum16(v: Fixed) -> f32 { return dot_small(vec4u(0x01010101u), v) * v.unit; }

// The products with unsigned bytes, summed.
fn dot_unsigned(bytes: vec4u, v: Fixed, sum: f32) -> f32 {
  return dot_fixed(bytes ^ vec4u(0x80808080u), v) * v.unit + 128.0 * sum;
}
