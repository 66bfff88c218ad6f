// 16 inputs at a time, for codes of 8, 4 and 2 bits whose scales and zeros are
// quantized to 8 bits: one 16-byte load for codes of a packed row, for scales and
// for zeros. As group_meta8.wgsl, with K a multiple of 16 and META of 4.
// Needs: w (the matrix), override K, group_meta8 (its overrides).
@group(0) @binding(8) var<storage, read> wide: array<vec4u>;  // w again

// Scales and zeros of inputs 16 k16 ... + 15; a column is 4 inputs.
struct Group16 { scale: mat4x4f, zero: mat4x4f }

fn bytes16(at: u32) -> mat4x4f {
  let v = wide[at];
  return mat4x4f(
    vec4f(unpack4xU8(v.x)),
    vec4f(unpack4xU8(v.y)),
    vec4f(unpack4xU8(v.z)),
    vec4f(unpack4xU8(v.w)),
  );
}

fn meta_at(base: u32, j: u32) -> vec2u {
  let c = j % META;
  return vec2u(base + c / 4u, base + (META + c) / 4u);
}

// (code - mz) * ms for the 4 scales from j on.
fn scale_quad(code: vec4f, base: u32, j: u32) -> vec4f {
  let at = meta_at(base, j);
  return (code - bitcast<vec4f>(wide[at.y])) * bitcast<vec4f>(wide[at.x]);
}

fn group16_at(base: u32, g: u32, k16: u32) -> Group16 {
  let row = base / 4u + g * (K / 16u) + k16;
  let scale_q = bytes16(row + SCALE_AT / 4u);
  let zero_q = bytes16(row + ZERO_AT / 4u);
  let ms = base + META_AT;
  let j = g * K + 16u * k16;
  let scale = mat4x4f(
    scale_quad(scale_q[0], ms / 4u, j),
    scale_quad(scale_q[1], ms / 4u, j + 4u),
    scale_quad(scale_q[2], ms / 4u, j + 8u),
    scale_quad(scale_q[3], ms / 4u, j + 12u),
  );
  let ms0 = bitcast<f32>(w[ms + 2u * META]);
  let mz0 = vec4f(bitcast<f32>(w[ms + 2u * META + 1u]));
  return Group16(scale, mat4x4f(
    (zero_q[0] - mz0) * ms0,
    (zero_q[1] - mz0) * ms0,
    (zero_q[2] - mz0) * ms0,
    (zero_q[3] - mz0) * ms0,
  ));
}

// The codes of a packed row, times what its members share.
fn mac16(acc: Acc, row: u32, k16: u32, a: mat4x4f) -> Acc {
  let raw = wide[row + k16];
  return mac(mac(mac(mac(acc, raw.x, a[0]), raw.y, a[1]), raw.z, a[2]), raw.w, a[3]);
}

fn times(x: mat4x4f, s: mat4x4f) -> mat4x4f {
  return mat4x4f(x[0] * s[0], x[1] * s[1], x[2] * s[2], x[3] * s[3]);
}

fn dot16(a: mat4x4f, b: mat4x4f) -> f32 {
  return dot(a[0], b[0]) + dot(a[1], b[1]) + dot(a[2], b[2]) + dot(a[3], b[3]);
}
