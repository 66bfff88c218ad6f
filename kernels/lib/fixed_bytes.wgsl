// What lib/fixed.wgsl, fixed_16.wgsl and fixed_8.wgsl share: numbers to bytes, four to a
// word, and their products with four others.
// Needs: one of them.

// The largest magnitude of 16 numbers, and never zero.
fn largest16(v: mat4x4f) -> f32 {
  let m = max(max(abs(v[0]), abs(v[1])), max(abs(v[2]), abs(v[3])));
  return max(max(max(m.x, m.y), max(m.z, m.w)), 1.0e-30);
}

// The lower halves of two numbers to a word, or the upper ones: 0 and 2, 1 and 3.
fn lower_halves(v: vec4u) -> vec2u {
  return vec2u((v.x & 0xffffu) | (v.z << 16u), (v.y & 0xffffu) | (v.w << 16u));
}

fn upper_halves(v: vec4u) -> vec2u {
  return vec2u((v.x >> 16u) | (v.z & 0xffff0000u), (v.y >> 16u) | (v.w & 0xffff0000u));
}

// The lower bytes of four halves, or the upper ones, in the order of the numbers.
fn lower_bytes(v: vec2u) -> u32 { return (v.x & 0x00ff00ffu) | ((v.y << 8u) & 0xff00ff00u); }
fn upper_bytes(v: vec2u) -> u32 { return ((v.x >> 8u) & 0x00ff00ffu) | (v.y & 0xff00ff00u); }

fn dot16(bytes: vec4u, v: vec4u) -> i32 {
  return (dot4I8Packed(bytes.x, v.x) + dot4I8Packed(bytes.y, v.y)) +
    (dot4I8Packed(bytes.z, v.z) + dot4I8Packed(bytes.w, v.w));
}

// The sum of the numbers, in units.
fn sum_fixed(v: Fixed) -> f32 { return dot_small(vec4u(0x01010101u), v); }
