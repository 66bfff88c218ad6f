// As walk_units.wgsl, two units in turns, which saves moving one from register to
// register: faster where units are long and many. UNITS is even.
// Needs: strip, strip_inputs, fold.
fn fold_units(lane: u32, base: u32, workgroup: u32, inputs: Inputs) {
  let residue = workgroup % RESIDUES;
  var strip = strip_of(load_scales(base, residue, inputs.k), inputs.x);
  var even = load_nth(base, workgroup, 0u, inputs.k);
  for (var i = 0u; i < MATRICES * UNITS; i += 2u) {
    let odd = load_nth(base, workgroup, i + 1u, inputs.k);
    if (MATRICES > 1u && i == UNITS) {
      strip = strip_of(load_scales(base + MATRIX_STEP, residue, inputs.k), inputs.x);
    }
    fold(lane, i, unit_sums(even, strip));
    if (i + 2u < MATRICES * UNITS) { even = load_nth(base, workgroup, i + 2u, inputs.k); }
    fold(lane, i + 1u, unit_sums(odd, strip));
  }
}
