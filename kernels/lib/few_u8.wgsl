// A block of matmul_few.wgsl: 16 inputs of four outputs, here of 8 bits.
const CODES = 1u;      // output rows in a packed row
const BLOCK_ROWS = 4u;  // packed rows of a block

struct Block { a: vec4u, b: vec4u, c: vec4u, d: vec4u }

fn load_codes(row: u32, step: u32) -> Block {
  return Block(w[row], w[row + step], w[row + 2u * step], w[row + 3u * step]);
}

// The codes of an input of word j: its byte begins at bit `shift`.
fn codes_of(block: Block, j: u32, shift: u32) -> vec4u {
  return (vec4u(block.a[j], block.b[j], block.c[j], block.d[j]) >> vec4u(shift)) & vec4u(255u);
}
