// 4-bit codes: a packed row holds 2 output rows, the first in the high nibble.
// Needs: w (the matrix), reduce_sum4.
const CODES = 2u;       // output rows in a packed row
const QUAD_WORDS = 1u;  // words that hold 4 inputs of a packed row
alias Raw = u32;
alias Acc = vec2f;

fn fetch(row: u32, k4: u32) -> Raw { return w[row + k4]; }

fn codes(raw: Raw, i: u32) -> vec4f {
  return vec4f(unpack4xU8((raw >> (4u - 4u * i)) & 0x0f0f0f0fu));
}

// The same by their bits, since conversions run at a quarter of the rate of everything
// else on NVIDIA: 2^23 + code, less 2^23, which is exact.
fn codes_by_bits(raw: Raw, i: u32) -> vec4f {
  let bytes = (vec4u(raw >> (4u - 4u * i)) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(15u);
  return bitcast<vec4f>(bytes | vec4u(0x4b000000u)) - vec4f(8388608.0);
}

fn mac(acc: Acc, raw: Raw, a: vec4f) -> Acc {
  return acc + vec2f(dot(codes(raw, 0u), a), dot(codes(raw, 1u), a));
}

fn reduce_acc(lane: u32, acc: Acc) -> Acc {
  return reduce_sum4(lane, vec4f(acc, 0.0, 0.0)).xy;
}

fn member(acc: Acc, i: u32) -> f32 { return acc[i]; }
