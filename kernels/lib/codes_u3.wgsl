// 3-bit codes: a packed row holds 10 output rows in an i32 per input, the first
// in bits 29:27. The last packed rows of a group are padded.
// Needs: w (the matrix), reduce_sum4.
const CODES = 10u;      // output rows in a packed row
const QUAD_WORDS = 4u;  // words that hold 4 inputs of a packed row
alias Raw = vec4u;
alias Acc = mat3x4f;    // 10 of 12 used

fn fetch(row: u32, k4: u32) -> Raw {
  let at = row + 4u * k4;
  return vec4u(w[at], w[at + 1u], w[at + 2u], w[at + 3u]);
}

fn codes(raw: Raw, i: u32) -> vec4f {
  return vec4f((raw >> vec4u(27u - 3u * i)) & vec4u(7u));
}

// The same by their bits, since conversions run at a quarter of the rate of everything
// else on NVIDIA: 2^23 + code, less 2^23, which is exact.
fn codes_by_bits(raw: Raw, i: u32) -> vec4f {
  let bytes = (raw >> vec4u(27u - 3u * i)) & vec4u(7u);
  return bitcast<vec4f>(bytes | vec4u(0x4b000000u)) - vec4f(8388608.0);
}

fn mac(acc: Acc, raw: Raw, a: vec4f) -> Acc {
  return acc + Acc(
    vec4f(dot(codes(raw, 0u), a), dot(codes(raw, 1u), a), dot(codes(raw, 2u), a), dot(codes(raw, 3u), a)),
    vec4f(dot(codes(raw, 4u), a), dot(codes(raw, 5u), a), dot(codes(raw, 6u), a), dot(codes(raw, 7u), a)),
    vec4f(dot(codes(raw, 8u), a), dot(codes(raw, 9u), a), 0.0, 0.0),
  );
}

fn reduce_acc(lane: u32, acc: Acc) -> Acc {
  return Acc(
    reduce_sum4(lane, acc[0]),
    reduce_sum4(lane, acc[1]),
    reduce_sum4(lane, acc[2]),
  );
}

fn member(acc: Acc, i: u32) -> f32 { return acc[i / 4u][i % 4u]; }
