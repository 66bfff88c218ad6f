// A block of matmul_few.wgsl: 16 inputs of four outputs, here of 4 bits.
const CODES = 2u;      // output rows in a packed row, the first in the top bits
const BLOCK_ROWS = 2u;  // packed rows of a block

struct Block { a: vec4u, b: vec4u }

fn load_codes(row: u32, step: u32) -> Block { return Block(w[row], w[row + step]); }

// The codes of an input of word j: its byte begins at bit `shift`.
fn codes_of(block: Block, j: u32, shift: u32) -> vec4u {
  let words = vec4u(block.a[j], block.a[j], block.b[j], block.b[j]) >> vec4u(shift);
  return (words >> vec4u(4u, 0u, 4u, 0u)) & vec4u(15u);
}
