// As walk_units.wgsl, two units in turns, which saves moving one from register to
// register: much faster where units are long and many. UNITS is even. A unit beyond
// the last is the last again, since a branch around its loads costs more; where
// weights come over the bus it would not.
// Needs: strip, strip_meta8 or strip_axis1, strip_inputs.
fn fold_units(lane: u32, base: u32, workgroup: u32, inputs: Inputs) {
  let k = inputs.k;
  for (var matrix = 0u; matrix < MATRICES; matrix++) {
    let at = base + matrix * MATRIX_STEP;
    let strip = strip_at(at, workgroup % RESIDUES, inputs);
    var even = load_unit(at, place_of(workgroup, 0u), k);
    for (var i = 0u; i < UNITS; i += 2u) {
      let odd = load_unit(at, place_of(workgroup, i + 1u), k);
      fold_unit(lane, matrix * UNITS + i, even, strip);
      even = load_unit(at, place_of(workgroup, min(i + 2u, UNITS - 1u)), k);
      fold_unit(lane, matrix * UNITS + i + 1u, odd, strip);
    }
  }
}
