// The packed rows of a unit, 8 of them: for codes of 4 and 8 bits.
// Needs: w of strip.wgsl.
const UNIT_ROWS = 8u;

struct Rows {
  a: vec4u, b: vec4u, c: vec4u, d: vec4u, e: vec4u, f: vec4u, g: vec4u, h: vec4u,
}

fn load_rows(row: u32, step: u32) -> Rows {
  return Rows(
    w[row],
    w[row + step],
    w[row + 2u * step],
    w[row + 3u * step],
    w[row + 4u * step],
    w[row + 5u * step],
    w[row + 6u * step],
    w[row + 7u * step],
  );
}
