// The inputs of a strip: 16 for an invocation, under a norm if x has one.
// Needs: x_*, fold (its SUBGROUP), override WG.
struct Inputs {
  k: u32,  // which 16 inputs of the row
  x: mat4x4f,
}

var<workgroup> squares: array<f32, 64>;  // a sum for each subgroup

// Of `count` strips from `first` on, the one of this invocation; one without takes
// the last times zero. Keeps what `strip_scale` needs.
fn strip_inputs(lane: u32, x_at: u32, first: u32, count: u32) -> Inputs {
  let k = first + min(lane, count - 1u);
  let keep = f32(lane < count);
  let at = 4u * k;
  let square = square4(x_at, at) + square4(x_at, at + 1u) + square4(x_at, at + 2u) +
    square4(x_at, at + 3u);
  let share = subgroupAdd(square * keep);
  if (lane % SUBGROUP == 0u) { squares[lane / SUBGROUP] = share; }
  return Inputs(k, mat4x4f(
    input4(x_at, at) * keep,
    input4(x_at, at + 1u) * keep,
    input4(x_at, at + 2u) * keep,
    input4(x_at, at + 3u) * keep,
  ));
}

// What all sums of the row are multiplied by, after a barrier.
fn strip_scale() -> f32 {
  var total = 0.0;
  for (var i = 0u; i < WG / SUBGROUP; i++) { total += squares[i]; }
  return input_scale(total);
}
