// What an invocation of matmul_few.wgsl takes of W at a time: 16 inputs of 8 outputs in
// one group, two blocks of four.
// Needs: few_u*, w.
override K: u32;
override N: u32;
override G: u32;         // groups
override P: u32;         // packed rows in a group
override SCALE_AT: u32;  // as in group_meta8.wgsl
override ZERO_AT: u32;
override META_AT: u32;
override META: u32;

// As it is read.
struct Unit { scale_q: vec4u, zero_q: vec4u, a: Block, b: Block }

// Of four inputs: a weight is code * scale + zero.
struct Scales { scale: vec4f, zero: vec4f }

// Of a group and a packed row there, inputs 16 part and on; `base` counts vec4s.
fn load_unit(base: u32, g: u32, first: u32, part: u32) -> Unit {
  let step = K / 16u;
  let k = min(part, step - 1u);
  let at = base + g * step + k;
  let row = base + (first * G + g) * step + k;
  return Unit(
    w[at + SCALE_AT / 4u],
    w[at + ZERO_AT / 4u],
    load_codes(row, G * step),
    load_codes(row + BLOCK_ROWS * G * step, G * step),
  );
}

// Bytes and codes become floats by their bits: see `codes_by_bits`.
fn floats4(v: vec4u) -> vec4f { return bitcast<vec4f>(v | vec4u(0x4b000000u)) - vec4f(8388608.0); }
fn bytes4(v: u32) -> vec4f {
  return floats4((vec4u(v) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(0xffu));
}

fn scales4(unit: Unit, j: u32, base: u32, g: u32, k4: u32) -> Scales {
  let at = base + META_AT / 4u + (g * (K / 4u) + k4) % (META / 4u);
  let ms = bitcast<vec4f>(w[at]);
  let mz = bitcast<vec4f>(w[at + META / 4u]);
  let zeros = bitcast<vec4f>(w[base + (META_AT + 2u * META) / 4u]);  // ms0, mz0
  let scale = (bytes4(unit.scale_q[j]) - mz) * ms;
  return Scales(scale, (vec4f(zeros.y) - bytes4(unit.zero_q[j])) * zeros.x * scale);
}

// Four inputs of a block: a column is an input.
fn weights4(block: Block, j: u32, s: Scales) -> mat4x4f {
  return mat4x4f(
    fma(floats4(codes_of(block, j, 0u)), vec4f(s.scale.x), vec4f(s.zero.x)),
    fma(floats4(codes_of(block, j, 8u)), vec4f(s.scale.y), vec4f(s.zero.y)),
    fma(floats4(codes_of(block, j, 16u)), vec4f(s.scale.z), vec4f(s.zero.z)),
    fma(floats4(codes_of(block, j, 24u)), vec4f(s.scale.w), vec4f(s.zero.w)),
  );
}
