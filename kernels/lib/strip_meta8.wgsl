// Strips along axis 0, whose scales and zeros are quantized to 8 bits, with K and META
// multiples of 16: a unit's outputs share scale and zero of each input. As in
// group_meta8.wgsl, with j = g K + k:
//   scale[j] x[k] = (scale_q[j] - mz[j mod META]) ms[j mod META] x[k]
//                 = p[k] scale_q[j] - r[k]   for p = ms x and r = mz p,
// which groups g, g + RESIDUES, g + 2 RESIDUES, ... have in common.
// Needs: strip and what it needs, strip_inputs.
const HAS_STRIP_EACH = true;  // every matrix has a strip of its own

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

// `base` is where the matrix starts, in vec4s; k counts 16 inputs.
fn load_scales(base: u32, residue: u32, k: u32) -> MetaScales {
  let ms = base + META_AT / 4u + (residue * K + k * 16u) % META / 4u;
  return MetaScales(
    weights(ms, 1u),
    weights(ms + META / 4u, 1u),
    weight(base + (META_AT + 2u * META) / 4u),
  );
}

fn strip_at(base: u32, residue: u32, inputs: Inputs) -> Strip {
  let x = inputs.x;
  let scales = load_scales(base, residue, inputs.k);
  let ms = floats4(scales.ms);
  let mz = floats4(scales.mz);
  let p = mat4x4f(ms[0] * x[0], ms[1] * x[1], ms[2] * x[2], ms[3] * x[3]);
  let r = mat4x4f(mz[0] * p[0], mz[1] * p[1], mz[2] * p[2], mz[3] * p[3]);
  let zero = bitcast<vec4f>(scales.zero);
  let broken = broken_of(max(magnitude_bits(p), magnitude_bits(r)));
  return Strip(p, r, zero.x, zero.y, broken);
}

// A unit beyond the last is another's again, not to be stored.
fn load_unit(base: u32, place: vec2u, k: u32) -> Unit {
  let g = min(place.x, G - 1u);
  let at = base + g * (K / 16u) + k;
  let row = base + (place.y * G + g) * (K / 16u) + k;
  return Unit(
    weight(at + SCALE_AT / 4u),
    weight(at + ZERO_AT / 4u),
    load_rows(base, row, G * (K / 16u)),
  );
}

// Folds this invocation's share of the unit's outputs.
fn fold_unit(lane: u32, i: u32, unit: Unit, s: Strip) { fold(lane, i, unit_sums(unit, s)); }

// With fma for what drivers may round in one way or another, see fold.wgsl.
fn unit_sums(unit: Unit, s: Strip) -> Sums {
  let a = fixed16(mat4x4f(
    fma(bytes4(unit.scale_q.x), s.p[0], -s.r[0]),
    fma(bytes4(unit.scale_q.y), s.p[1], -s.r[1]),
    fma(bytes4(unit.scale_q.z), s.p[2], -s.r[2]),
    fma(bytes4(unit.scale_q.w), s.p[3], -s.r[3]),
  ));
  let sum = sum_fixed(a);
  let zero_sum = fma(-s.zero_zero, sum, dot_bytes(unit.zero_q, a, sum));
  let zero = fma(zero_sum, s.zero_scale, s.broken);
  return row_sums(unit.rows, a, zero, sum);
}
