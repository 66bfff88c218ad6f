// Folds the units of a workgroup, one after the other: the next one is on its way
// while one is computed.
// Needs: strip, strip_inputs, fold.
fn fold_units(lane: u32, base: u32, workgroup: u32, inputs: Inputs) {
  let residue = workgroup % RESIDUES;
  var strip = strip_of(load_scales(base, residue, inputs.k), inputs.x);
  var unit = load_nth(base, workgroup, 0u, inputs.k);
  // One loop for all matrices, so that the GPU has but one piece of code to fetch.
  for (var i = 0u; i < MATRICES * UNITS; i++) {
    let current = unit;
    if (i + 1u < MATRICES * UNITS) { unit = load_nth(base, workgroup, i + 1u, inputs.k); }
    if (MATRICES > 1u && i == UNITS) {
      strip = strip_of(load_scales(base + MATRIX_STEP, residue, inputs.k), inputs.x);
    }
    fold(lane, i, unit_sums(current, strip));
  }
}

// Unit i of the workgroup, out of those of all matrices.
fn load_nth(base: u32, workgroup: u32, i: u32, k: u32) -> Unit {
  let matrix = select(base, base + MATRIX_STEP, i >= UNITS);
  return load_unit(matrix, place_of(workgroup, i % UNITS), k);
}
