// 16 inputs at a time, as inputs_4.wgsl 4: for codes of 8, 4 and 2 bits whose
// scales and zeros are quantized to 8 bits. One 16-byte load for codes of a packed
// row, for scales and for zeros. As group_meta8.wgsl, with K a multiple of 16 and
// META of 4.
// Needs: w and x, codes_u8, codes_u4 or codes_u2, group_meta8 (its overrides).
@group(0) @binding(8) var<storage, read> wide: array<vec4u>;  // w again

alias Inputs = mat4x4f;  // a column is 4 inputs

struct Group16 { scale: Inputs, zero: Inputs }

fn vec_count() -> u32 { return K / 16u; }

// Where a packed row of the matrix at `base` starts, for mac_row.
fn row_at(base: u32, row: u32) -> u32 { return base / 4u + row * vec_count(); }

fn inputs_at(row: u32, k: u32) -> Inputs {
  let at = row + 4u * k;
  return Inputs(x[at], x[at + 1u], x[at + 2u], x[at + 3u]);
}

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

fn group_of(base: u32, g: u32, k: u32) -> Group16 {
  let row = base / 4u + g * vec_count() + k;
  let scale_q = bytes16(row + SCALE_AT / 4u);
  let zero_q = bytes16(row + ZERO_AT / 4u);
  let ms = base + META_AT;
  let j = g * K + 16u * k;
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
fn mac_row(acc: Acc, row: u32, k: u32, a: Inputs) -> Acc {
  let raw = wide[row + k];
  return mac(mac(mac(mac(acc, raw.x, a[0]), raw.y, a[1]), raw.z, a[2]), raw.w, a[3]);
}

fn times(a: Inputs, b: Inputs) -> Inputs {
  return Inputs(a[0] * b[0], a[1] * b[1], a[2] * b[2], a[3] * b[3]);
}

fn dot_of(a: Inputs, b: Inputs) -> f32 {
  return dot(a[0], b[0]) + dot(a[1], b[1]) + dot(a[2], b[2]) + dot(a[3], b[3]);
}
