// A block of matmul_few.wgsl: 16 inputs of four outputs, here of 2 bits.
const CODES = 4u;      // output rows in a packed row, the first in the top bits
const BLOCK_ROWS = 1u;  // packed rows of a block

struct Block { a: vec4u }

fn load_codes(row: u32, step: u32) -> Block { return Block(w[row]); }

// The codes of an input of word j: its byte begins at bit `shift`.
fn codes_of(block: Block, j: u32, shift: u32) -> vec4u {
  return (vec4u(block.a[j] >> shift) >> vec4u(6u, 4u, 2u, 0u)) & vec4u(3u);
}
