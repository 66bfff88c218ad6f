// A strip of a matrix: an invocation keeps 16 inputs in registers and works
// through units, each of which sums 16 outputs (or 8) that share scale and zero.
// For codes of 8, 4 and 2 bits whose scales and zeros are quantized to 8 bits, with
// K and META multiples of 16. As in group_meta8.wgsl, with j = g K + k:
//   scale[j] x[k] = (scale_q[j] - mz[j mod META]) ms[j mod META] x[k]
//                 = p[k] scale_q[j] - r[k]   for p = ms x and r = mz p,
// which groups g, g + RESIDUES, g + 2 RESIDUES, ... have in common.
// Needs: shape_one or shape_three; weights_read or weights_fill; fixed; strip_u8,
// strip_u4 or strip_u2; walk_units or walk_pairs.
override K: u32;
override UNITS: u32;             // that a workgroup works through, of each matrix
override MATRICES: u32;          // of the same shape, 1 or 2
override MATRIX_STEP: u32 = 0u;  // vec4s from one to the next

struct Strip {
  p: mat4x4f,
  r: mat4x4f,
  zero_scale: f32,
  zero_zero: f32,
  broken: f32,  // NaN if a p or r is no number, which integers would hide, else 0
}

// What a strip reads of its matrix.
struct MetaScales { ms: Four, mz: Four, zero: vec4u }

// What a unit reads: all of it is asked for before any of it is used.
struct Unit { scale_q: vec4u, zero_q: vec4u, rows: Rows }

// Where unit i of a workgroup is: its group, and the first of its packed rows.
fn place_of(workgroup: u32, i: u32) -> vec2u {
  let chunks = P / UNIT_ROWS;  // units of a group
  let unit = workgroup / RESIDUES * UNITS + i;
  return vec2u(workgroup % RESIDUES + unit / chunks * RESIDUES, unit % chunks * UNIT_ROWS);
}

// The output row of sum i % 16 of unit i / 16 of a workgroup; N if there is none.
fn output_of(workgroup: u32, i: u32) -> u32 {
  let place = place_of(workgroup, i / 16u);
  let packed = i % 16u / CODES;
  if (place.x >= G || packed >= UNIT_ROWS) { return N; }
  return place.x + (place.y + packed + i % CODES * P) * G;
}

// Bytes become floats by their bits, since conversions run at a quarter of the rate
// of everything else on NVIDIA: 2^23 + byte, less 2^23, which is exact.
fn bytes4(v: u32) -> vec4f {
  let bytes = vec4u(v, v >> 8u, v >> 16u, v >> 24u) & vec4u(0xffu);
  return bitcast<vec4f>(bytes | vec4u(0x4b000000u)) - vec4f(8388608.0);
}

fn floats4(v: Four) -> mat4x4f {
  return mat4x4f(
    bitcast<vec4f>(v.a),
    bitcast<vec4f>(v.b),
    bitcast<vec4f>(v.c),
    bitcast<vec4f>(v.d),
  );
}

fn magnitude_bits(v: mat4x4f) -> vec4u {
  let mask = vec4u(0x7fffffffu);
  return max(
    max(bitcast<vec4u>(v[0]) & mask, bitcast<vec4u>(v[1]) & mask),
    max(bitcast<vec4u>(v[2]) & mask, bitcast<vec4u>(v[3]) & mask),
  );
}

fn broken_of(p: mat4x4f, r: mat4x4f) -> f32 {
  let bits = max(magnitude_bits(p), magnitude_bits(r));
  let is_broken = any(bits >= vec4u(0x7f800000u));
  return bitcast<f32>(select(0u, 0x7fc00000u, is_broken));
}

// `base` is where the matrix starts, in vec4s; k counts 16 inputs.
fn load_scales(base: u32, residue: u32, k: u32) -> MetaScales {
  let ms = base + META_AT / 4u + (residue * K + k * 16u) % META / 4u;
  return MetaScales(
    weights(ms, 1u),
    weights(ms + META / 4u, 1u),
    weight(base + (META_AT + 2u * META) / 4u),
  );
}

fn strip_of(scales: MetaScales, x: mat4x4f) -> Strip {
  let ms = floats4(scales.ms);
  let mz = floats4(scales.mz);
  let p = mat4x4f(ms[0] * x[0], ms[1] * x[1], ms[2] * x[2], ms[3] * x[3]);
  let r = mat4x4f(mz[0] * p[0], mz[1] * p[1], mz[2] * p[2], mz[3] * p[3]);
  let zero = bitcast<vec4f>(scales.zero);
  return Strip(p, r, zero.x, zero.y, broken_of(p, r));
}

// A unit beyond the last is another's again, not to be stored.
fn load_unit(base: u32, place: vec2u, k: u32) -> Unit {
  let g = min(place.x, G - 1u);
  let at = base + g * (K / 16u) + k;
  let row = base + (place.y * G + g) * (K / 16u) + k;
  return Unit(weight(at + SCALE_AT / 4u), weight(at + ZERO_AT / 4u), load_rows(row, G * (K / 16u)));
}

// This invocation's share of the unit's outputs.
fn unit_sums(unit: Unit, s: Strip) -> Sums {
  let a = fixed16(mat4x4f(
    bytes4(unit.scale_q.x) * s.p[0] - s.r[0],
    bytes4(unit.scale_q.y) * s.p[1] - s.r[1],
    bytes4(unit.scale_q.z) * s.p[2] - s.r[2],
    bytes4(unit.scale_q.w) * s.p[3] - s.r[3],
  ));
  let sum = sum_fixed(a);
  let zero = (dot_bytes(unit.zero_q, a, sum) - s.zero_zero * sum) * s.zero_scale + s.broken;
  return row_sums(unit.rows, a, zero, sum);
}
