// A strip of a matrix: an invocation keeps 16 inputs in registers and works through
// units, each of which sums 16 outputs (or fewer).
// Needs: shape_one or shape_three; weights_read or weights_fill; fixed; fold; strip_u*;
// strip_meta8, or strip_axis1 and share_*; walk_units or walk_pairs.
override K: u32;
override UNITS: u32;             // that a workgroup works through, of each matrix
override MATRICES: u32;          // of the same shape, 1 or 2
override MATRIX_STEP: u32 = 0u;  // vec4s from one to the next

// Where unit i of a workgroup is: its group, and the first of its packed rows.
fn place_of(workgroup: u32, i: u32) -> vec2u {
  let chunks = P / UNIT_ROWS;  // units of a group
  let unit = workgroup / RESIDUES * UNITS + i;
  return vec2u(workgroup % RESIDUES + unit / chunks * RESIDUES, unit % chunks * UNIT_ROWS);
}

// The output row of sum i % 16 of unit i / 16 of a workgroup; N if there is none.
fn output_of(workgroup: u32, i: u32) -> u32 {
  let place = place_of(workgroup, i / 16u);
  let packed = i % 16u / CODES;
  if (place.x >= G || packed >= UNIT_ROWS) { return N; }
  // A padded member of a packed row would be beyond N.
  return min(place.x + (place.y + packed + i % 16u % CODES * P) * G, N);
}

fn magnitude_bits(v: mat4x4f) -> vec4u {
  let mask = vec4u(0x7fffffffu);
  return max(
    max(bitcast<vec4u>(v[0]) & mask, bitcast<vec4u>(v[1]) & mask),
    max(bitcast<vec4u>(v[2]) & mask, bitcast<vec4u>(v[3]) & mask),
  );
}

// NaN if numbers of these magnitudes are not all numbers, which integers would hide.
fn broken_of(bits: vec4u) -> f32 {
  return bitcast<f32>(select(0u, 0x7fc00000u, any(bits >= vec4u(0x7f800000u))));
}
