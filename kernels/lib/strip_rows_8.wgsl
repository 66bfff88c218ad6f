// The packed rows of a unit, 8 of them: for codes of 4 and 8 bits.
// Needs: weights_read or weights_fill.
const UNIT_ROWS = 8u;

struct Rows { first: Four, second: Four }

fn load_rows(base: u32, row: u32, step: u32) -> Rows {
  return Rows(weights(row, step), weights(row + 4u * step, step));
}
