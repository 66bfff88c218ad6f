// float16 weights, 2 words for 4 inputs. Subnormals may be read as zero.
// A packed row is one output row; a code is the weight itself.
// Needs: w (the matrix), reduce_sum4.
const CODES = 1u;       // output rows in a packed row
const QUAD_WORDS = 2u;  // words that hold 4 inputs of a packed row
alias Raw = vec4f;
alias Acc = f32;

fn fetch(row: u32, k4: u32) -> Raw {
  let at = row + 2u * k4;
  return vec4f(unpack2x16float(w[at]), unpack2x16float(w[at + 1u]));
}

fn codes(raw: Raw, i: u32) -> vec4f { return raw; }

fn codes_by_bits(raw: Raw, i: u32) -> vec4f { return raw; }

fn mac(acc: Acc, raw: Raw, a: vec4f) -> Acc { return acc + dot(raw, a); }

fn reduce_acc(lane: u32, acc: Acc) -> Acc { return reduce_sum(lane, acc); }

fn member(acc: Acc, i: u32) -> f32 { return acc; }
