// Folds the units of a workgroup, one after the other: the next one is on its way
// while one is computed.
// Needs: strip, strip_meta8 or strip_axis1, strip_inputs.
fn fold_units(lane: u32, base: u32, workgroup: u32, inputs: Inputs) {
  let residue = workgroup % RESIDUES;
  var strip = strip_at(base, residue, inputs);
  var unit = load_nth(base, workgroup, 0u, inputs.k);
  // One loop for all matrices, so that the GPU has but one piece of code to fetch.
  for (var i = 0u; i < MATRICES * UNITS; i++) {
    let current = unit;
    if (i + 1u < MATRICES * UNITS) { unit = load_nth(base, workgroup, i + 1u, inputs.k); }
    if (HAS_STRIP_EACH && MATRICES > 1u && i == UNITS) {
      strip = strip_at(base + MATRIX_STEP, residue, inputs);
    }
    fold_unit(lane, i, current, strip);
  }
}

// Unit i of the workgroup, out of those of all matrices.
fn load_nth(base: u32, workgroup: u32, i: u32, k: u32) -> Unit {
  let matrix = select(base, base + MATRIX_STEP, i >= UNITS);
  return load_unit(matrix, place_of(workgroup, i % UNITS), k);
}
