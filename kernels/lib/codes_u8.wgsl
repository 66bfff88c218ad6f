// 8-bit codes: a packed row is one output row, 4 inputs in a word.
// Needs: w (the matrix), reduce_sum4.
const CODES = 1u;       // output rows in a packed row
const QUAD_WORDS = 1u;  // words that hold 4 inputs of a packed row
alias Raw = u32;
alias Acc = f32;

fn fetch(row: u32, k4: u32) -> Raw { return w[row + k4]; }

fn codes(raw: Raw, i: u32) -> vec4f { return vec4f(unpack4xU8(raw)); }

fn mac(acc: Acc, raw: Raw, a: vec4f) -> Acc { return acc + dot(codes(raw, 0u), a); }

fn reduce_acc(lane: u32, acc: Acc) -> Acc { return reduce_sum(lane, acc); }

fn member(acc: Acc, i: u32) -> f32 { return acc; }
